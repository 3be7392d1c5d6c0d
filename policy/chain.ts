/** Judging a chain of audit entries: whole, or where the first bad entry is and what is wrong with it. */
import { EMPTY_HEAD, linkHash } from './records.js';
import type { ChainLink, Head } from './records.js';

/**
 * What can be wrong. `missing`: a number is not there. `order`: a number comes twice or too late. `link`: it does not
 * follow the entry before it (one was inserted, removed or exchanged there). `content`: its text is not what was hashed.
 * `truncated`: it ends before a head known from elsewhere. `rewritten`: that head's entry has another hash.
 * `run-table`, `evidence`: what was derived from or named by the entry no longer agrees with it.
 */
export type ChainFault = 'missing' | 'order' | 'link' | 'content' | 'truncated' | 'rewritten' | 'run-table' | 'evidence';

export interface ChainBroken {
  ok: false;
  /** Number of the first bad entry. */
  firstBad: number;
  reason: ChainFault;
  expected: string;
  got: string;
}

export type ChainVerdict = { ok: true; entries: number; head: Head } | ChainBroken;

/**
 * Follows the chain from its first entry. Memory does not grow with it: links may come from a generator.
 * @param knownHead a head somebody kept (an agent, a vote, a printed report); without one the removal of the newest
 *   entries can't be seen from the chain alone.
 */
export function verifyChain(links: Iterable<ChainLink>, knownHead?: Head): ChainVerdict {
  let head = EMPTY_HEAD;
  for (const link of links) {
    const fault = faultOf(head, link) ?? (link.seq === knownHead?.seq ? rewritten(link, knownHead) : null);
    if (fault) return fault;
    head = { seq: link.seq, hash: link.hash };
  }
  if (knownHead && knownHead.seq > head.seq) return broken(head.seq + 1, 'truncated', `entries up to ${knownHead.seq}, the head known from before`, `an end at ${head.seq}`);
  return { ok: true, entries: head.seq, head };
}

function faultOf(head: Head, link: ChainLink): ChainBroken | null {
  const expected = head.seq + 1;
  if (link.seq > expected) return broken(expected, 'missing', `entry ${expected}`, `entry ${link.seq}`);
  if (link.seq !== expected) return broken(link.seq, 'order', `entry ${expected}`, `entry ${link.seq}`);
  if (link.previous !== head.hash) return broken(expected, 'link', `previous ${head.hash}`, `previous ${link.previous}`);
  const hash = linkHash(link.seq, link.previous, link.body);
  if (link.hash !== hash) return broken(expected, 'content', `hash ${link.hash}, as stored`, `${hash}, over the text that stands there`);
  return null;
}

function rewritten(link: ChainLink, known: Head): ChainBroken | null {
  return link.hash === known.hash ? null : broken(link.seq, 'rewritten', `hash ${known.hash}, known from before`, `hash ${link.hash}: this entry or one before it was replaced`);
}

const broken = (firstBad: number, reason: ChainFault, expected: string, got: string): ChainBroken => ({ ok: false, firstBad, reason, expected, got });

/** `first bad entry 17 (content): expected …, got …`. */
export function faultText(fault: ChainBroken): string {
  return `first bad entry ${fault.firstBad} (${fault.reason}): expected ${fault.expected}, got ${fault.got}`;
}
