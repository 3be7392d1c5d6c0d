/** What to do next, from what the record says. */
import { prevention, primaryVersion, vendorPackages } from '../fallback-record.js';
import type { FallbackRecord } from '../fallback-record.js';
import { formatEnvironment } from '../ids.js';
import { code } from './page.js';
import type { Words } from './page.js';
import { proposalName } from './ladder.js';

/** Most packages a sentence names. */
const NAMED = 12;

/** In the order of doing them; each rests on a field of the record. */
export function recommendations(record: FallbackRecord): Words[] {
  const { result, proposals = [], diagnosis, performance } = record;
  const where = formatEnvironment(result.env);
  const failed = vendorPackages(record);
  const installs = proposals.findIndex(({ tried }) => tried.installed && tried.imports.passed === tried.imports.total);
  return [
    ...(result.outcome === 'rollback-incomplete' ? ['Complete the way back first.'] : []),
    [`${sentence(prevention(record))}.`],
    ...(diagnosis?.advice ?? []).map(({ what, command }): Words => [`Have ${what} installed on ${result.env.host}: `, code(command), '.']),
    ...(failed.length > 0 ? [[`Give `, code('vendor_support.md'), ` to the vendors of ${failed.slice(0, NAMED).join(', ')}${failed.length > NAMED ? ` and ${failed.length - NAMED} more` : ''}.`]] : []),
    ...(installs >= 0 ? [['Have ', code(proposalName(proposals, installs)), ' looked at by whoever approves locks: it installs and imports.']] : []),
    ...(performance?.ran && performance.band === 'much-slower' ? [[`Measure the service under load before it stays on this interpreter: ${performance.probe} is much slower.`]] : []),
    ...(result.outcome === 'done' ? [['Plan the way home: ', code(`runbook plan change ${where} --to ${primaryVersion(record)}`), '.']] : []),
  ];
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, '');
