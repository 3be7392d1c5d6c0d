/** Platform tags a host accepts, most specific first: PEP 513, 571, 599, 600 (glibc), 656 (musl) and macOS. */
import type { Interpreter } from './model.js';

/** glibc releases the three older tag names stand for. */
const LEGACY_MANYLINUX: Record<string, string> = { '2.17': 'manylinux2014', '2.12': 'manylinux2010', '2.5': 'manylinux1' };
/** Architectures PEP 600 tags are defined for; on the first two back to glibc 2.5, elsewhere to 2.17. */
const MANYLINUX_ARCHES = ['x86_64', 'i686', 'aarch64', 'ppc64', 'ppc64le', 's390x', 'loongarch64', 'riscv64', 'armv7l', 'armv8l'];
/** What an upper bound stands for that is not known: the last minor of a glibc major before the host's. */
const LAST_GLIBC_MINOR = 50;

/** Ordered platform tags of an interpreter's host; empty for a system this project does not know. */
export function platformTags(interpreter: Interpreter): string[] {
  if (interpreter.system === 'linux') return linuxTags(interpreter);
  if (interpreter.system === 'macosx') return macosTags(interpreter.macosRelease, interpreter.machine);
  return [];
}

function linuxTags(interpreter: Interpreter): string[] {
  const arches = linuxArches(interpreter);
  const [major = 0, minor = 0] = interpreter.libc.version.split(/[.-]/).map(Number);
  const native = arches.map((arch) => `linux_${arch}`);
  if (!Number.isInteger(major) || !Number.isInteger(minor)) return native;
  if (interpreter.libc.name === 'glibc') return [...native, ...arches.flatMap((arch) => manylinuxTags(arch, arches, major, minor))];
  if (interpreter.libc.name === 'musl') return [...native, ...arches.flatMap((arch) => countDown(minor, 0).map((it) => `musllinux_${major}_${it}_${arch}`))];
  return native;
}

/** A 32-bit interpreter on a 64-bit kernel takes 32-bit files; its SOABI says so. */
function linuxArches(interpreter: Interpreter): string[] {
  const { machine, soabi } = interpreter;
  if (machine === 'x86_64' && /-i[3-6]86-/.test(soabi)) return ['i686'];
  if (machine === 'armv8l' || (machine === 'aarch64' && /-arm-/.test(soabi))) return ['armv8l', 'armv7l'];
  return [machine];
}

function manylinuxTags(arch: string, arches: string[], major: number, minor: number): string[] {
  if (!MANYLINUX_ARCHES.includes(arch)) return [];
  const oldest = arches.includes('x86_64') || arches.includes('i686') ? 5 : 17;
  const tags: string[] = [];
  for (let line = major; line >= 2; line -= 1) {
    for (const release of countDown(line === major ? minor : LAST_GLIBC_MINOR, line === 2 ? oldest : 0)) {
      tags.push(`manylinux_${line}_${release}_${arch}`);
      const legacy = LEGACY_MANYLINUX[`${line}.${release}`];
      if (legacy !== undefined) tags.push(`${legacy}_${arch}`);
    }
  }
  return tags;
}

/** macOS: newest release first; before 11 the releases were minors of 10; arm64 reaches 10.x through universal2 only. */
function macosTags(release: string, arch: string): string[] {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  const formats = arch === 'x86_64' ? ['x86_64', 'intel', 'fat64', 'fat3', 'universal2', 'universal'] : [arch, 'universal2'];
  const tagsOf = (line: number, minors: number[], kinds: string[]): string[] =>
    minors.flatMap((it) => kinds.map((kind) => `macosx_${line}_${it}_${kind}`));
  if (major === 10 && minor < 16) return tagsOf(10, countDown(minor, arch === 'x86_64' ? 4 : 0), formats);
  // A Python built against an old SDK calls macOS 11 "10.16".
  const newest = major === 10 ? 11 : major;
  if (newest < 11) return [];
  return [...countDown(newest, 11).flatMap((line) => tagsOf(line, [0], formats)), ...tagsOf(10, countDown(16, 4), arch === 'x86_64' ? formats : ['universal2'])];
}

function countDown(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, from - to + 1) }, (_, index) => from - index);
}
