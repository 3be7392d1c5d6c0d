/**
 * A process that appends. Arguments: file, own chain, number of batches (0: until it is killed), shared chain or `-`.
 * Batch N holds entries 2N-1 and 2N of the own chain and, where there is a shared chain, entry N of that. Says `N` on
 * stdout after batch N was acknowledged.
 */
import { writeSync } from 'node:fs';
import { openRecords } from '../../records/store.js';
import { entry } from './record-entries.js';

const [file, chain, count, shared] = process.argv.slice(2) as [string, string, string, string];
const records = openRecords(file);
for (let n = 1; Number(count) === 0 || n <= Number(count); n++) {
  const of = { chain, run: chain.slice(0, 7) };
  const batch = [entry(2 * n - 1, n === 1 ? { ...of, event: 'run-started' } : of), entry(2 * n, of)];
  records.append(shared === '-' ? batch : [...batch, entry(n, { chain: shared, run: 'sh-ared' })]);
  writeSync(1, `${n}\n`);
}
records.close();
