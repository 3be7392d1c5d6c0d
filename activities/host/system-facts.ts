/** WF-17: platform, architecture, memory, C library and distribution of this host. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { Diagnosis, Interpreter } from '../../policy/model.js';
import { memoryBytesOf, parseOsRelease } from '../../policy/system-text.js';
import type { Distribution } from '../../policy/system-text.js';

/** Where systemd's convention puts it; the second is where a distribution keeps its own. */
const OS_RELEASE = ['/etc/os-release', '/usr/lib/os-release'];

/** @param platform what Python's `platform.platform()` says; empty where it could not be asked. */
export function systemFacts(interpreter: Interpreter, platform: string): { system: Diagnosis['system']; distribution: Distribution } {
  const { libc, machine, macosRelease, system } = interpreter;
  const distribution = parseOsRelease(OS_RELEASE.map(textOf).find((text) => text !== '') ?? '');
  const name = macosRelease === '' ? distribution.name : `macOS ${macosRelease}`;
  const facts = {
    platform: platform === '' ? `${system}-${machine}` : platform,
    machine,
    memoryBytes: memoryBytesOf(textOf('/proc/meminfo')) ?? totalmem(),
    libc: libc.name === 'none' ? 'none' : `${libc.name} ${libc.version}`,
    distribution: name === '' ? 'not known' : name,
  };
  return { system: facts, distribution };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
