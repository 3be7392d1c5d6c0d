import type { Command } from 'commander';
import { checkOptions, policyWords, readCheckTarget, type CheckOptions } from '../checking.js';
import { verificationLines } from '../check-output.js';
import { judgeGate } from '../gating.js';
import { keyOptions } from '../identity.js';
import { findInstance, type Instance } from '../instance.js';
import { EXIT, refusal, type Io } from '../io.js';
import { requireReason, signAndRecord, tellRecorded, type StatementOptions } from '../statements.js';
import { placeOf } from '../words.js';
import { verificationText } from './verify.js';

interface AcceptOptions extends CheckOptions, StatementOptions {
  digest: string;
  reason: string;
}

/** `runbook gate accept PATH`: a person signs for exactly the warnings a gate waits for (DIS-05). */
export function gateAcceptCommand(gate: Command, io: Io): void {
  keyOptions(checkOptions(gate.command('accept <path>')))
    .description('accept the warnings a gate waits for, with a key of your own')
    .requiredOption('--digest <sha256>', 'the warnings, as the gate printed it')
    .requiredOption('--reason <text>', 'why; it stands in the record')
    .option('--yes', 'sign without being asked')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', '\nMeasures again: what is accepted is what stands there now. Any other warning asks anew.\n\nExample:\n  runbook gate accept /srv/pricer --digest 4be1… --reason "known since Monday"')
    .action(async (path: string, _own: object, command: Command) => {
      // Some of its options are options of `gate` too, which takes them.
      const options = command.optsWithGlobals<AcceptOptions>();
      if (!/^[0-9a-f]{8,64}$/.test(options.digest)) throw refusal([{ what: '--digest', expected: '8 to 64 hexadecimal characters of a digest of warnings', got: options.digest, wayOut: `runbook gate ${path}${policyWords(options)}` }]);
      requireReason(options.reason);
      process.exitCode = await accept(io, findInstance(), path, options);
    });
}

async function accept(io: Io, instance: Instance, path: string, options: AcceptOptions): Promise<number> {
  const target = readCheckTarget(path, instance, 'gate accept');
  const { env, gate, verification } = await judgeGate(instance, target, options);
  const place = placeOf(env, instance.host);
  const again = `runbook gate ${place}${policyWords(options)}`;
  const nothingToAccept = (got: string): Error => refusal([{ what: `gate of ${place}`, expected: 'a gate that waits for exactly these warnings', got, wayOut: again }], EXIT.no);
  if (gate.verdict !== 'ask') throw nothingToAccept( gate.verdict === 'pass' ? 'a gate that passes' : 'a gate that is blocked, which no acceptance opens');
  if (!gate.warningsDigest.startsWith(options.digest)) throw nothingToAccept(`other warnings now: ${gate.warningsDigest}`);
  const talk = options.json ? () => undefined : io.talk;
  for (const line of verificationLines(verification)) talk(line);
  const recorded = await signAndRecord(io, instance, { kind: 'accept-warnings', env, digest: gate.warningsDigest, document: verificationText(verification), reason: options.reason }, options);
  return tellRecorded(io, recorded, { json: options.json ?? false, next: again });
}
