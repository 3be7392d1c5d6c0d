/** Asking before something is signed. */
import { refusal, type Io } from './io.js';

/** True: yes. Refuses where there is nobody to ask; a no is said with `otherwise`. */
export async function agreed(io: Io, question: string, otherwise = 'nothing was signed'): Promise<boolean> {
  if (!io.interactive) throw refusal([{ what: 'nobody to ask', expected: '--yes where there is no terminal', got: 'neither', wayOut: 'the same words with --yes' }]);
  if (await io.ask(question)) return true;
  io.talk(otherwise);
  return false;
}
