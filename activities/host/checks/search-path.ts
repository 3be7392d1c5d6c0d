/** What a `.pth` file makes Python do when it starts, read as Python's `site` reads it. */
import { dirname, resolve } from 'node:path';
import { readPlain } from '../../plain-file.js';
import { anchorLine } from '../anchor.js';

export interface Searched {
  /** Folders and archives that it puts on the search path, and the tree that an anchor of ours names. */
  places: string[];
  /** Whether it also runs code that may put anything there. */
  isOpen: boolean;
}

/**
 * A code line that names a place of its own, or setuptools' finder of an editable project, whose folders stand in a table. Any other
 * one has only what lies on the search path, which is looked through: those of virtualenv, coverage, namespace packages.
 */
const OPEN = /__editable__|\//;

const isCode = (line: string): boolean => /^import[ \t]/.test(line);

/** The tree that an anchor of ours makes the process's prefix; null for another line. */
function anchored(line: string): string | null {
  const literal = /\)\)\(("(?:[^"\\]|\\.)*"), sys\.prefix\)$/.exec(line)?.[1];
  const tree = literal === undefined ? null : (JSON.parse(literal) as string);
  return tree !== null && anchorLine(tree).trimEnd() === line ? tree : null;
}

/** Throws for one that can't be read whole. */
export function readSearched(file: string): Searched {
  const text = (readPlain(file)?.text ?? '').replace(/^\ufeff/, '');
  const lines = text.split(/[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/).map((line) => line.trimEnd()).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const [code, paths] = [lines.filter(isCode), lines.filter((line) => !isCode(line))];
  const trees = code.map(anchored);
  return {
    places: [...paths, ...trees.filter((tree) => tree !== null)].map((place) => resolve(dirname(file), place)),
    isOpen: code.some((line, at) => trees[at] === null && OPEN.test(line)),
  };
}
