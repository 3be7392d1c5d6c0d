/** Why nothing was started, and the exit code that says so. */
import type { Objection } from '../../policy/model.js';

/** 1: not compliant. 64: bad input. 69: could not tell. */
export type RefusalCode = 1 | 64 | 69;

/** Thrown before anything was started. */
export class GuardRefusal extends Error {
  constructor(readonly code: RefusalCode, readonly objections: Objection[]) {
    super(objections.map(({ what, got }) => `${what}: ${got}`).join('; '));
  }
}

const refuse = (code: RefusalCode) => (what: string, expected: string, got: string, wayOut: string): GuardRefusal => new GuardRefusal(code, [{ what, expected, got, wayOut }]);

export const notCompliant = refuse(1);
export const badInput = refuse(64);
export const couldNotTell = refuse(69);

/** The words of a refusal, as every command of this product says them. Names of files can't write lines of their own. */
export function refusalText(objections: Objection[]): string {
  const lines = objections.flatMap(({ what, expected, got, wayOut }) => [`refused: ${what}: expected ${expected}, got ${got}`, `  try: ${wayOut}`]);
  return [...lines.map((line) => line.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]|\n(?! )/g, ' ')), 'nothing was started', ''].join('\n');
}
