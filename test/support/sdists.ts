/** Source releases that really build, in a folder an installer can be pointed to. */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';

export interface SdistSpec {
  name: string;
  version: string;
  files?: Record<string, string>;
  /** C text of an extension module `_speed`. */
  c?: string;
  /** Without a compiler it goes on without its C part, and says nothing. */
  optional?: boolean;
  /** Build requirements. */
  requires?: string[];
  /** Python that runs when a build begins. */
  before?: string;
  /** A setup.py and nothing else. */
  legacy?: boolean;
  /** Version its wheel claims to be. */
  claims?: string;
}

export interface Sdist {
  /** Absolute. */
  path: string;
  sha256: string;
}

/** Writes them; in the order of `specs`. */
export function writeSdists(folder: string, specs: SdistSpec[]): Sdist[] {
  const script = resolve(import.meta.dirname, '../../../test/support/sdists.py');
  const full = specs.map((spec) => ({ files: {}, ...spec }));
  const made = JSON.parse(execFileSync('python3', ['-I', script, folder, JSON.stringify(full)], { encoding: 'utf8' })) as { file: string; sha256: string }[];
  return made.map(({ file, sha256 }) => ({ path: join(folder, file), sha256 }));
}

/** A C extension that compiles; `body` is what `value()` returns. */
export const extensionText = (body = 'PyLong_FromLong(42)'): string => `#include <Python.h>
static PyObject *value(PyObject *self, PyObject *none) { return ${body}; }
static PyMethodDef methods[] = {{"value", value, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_speed", "", -1, methods};
PyMODINIT_FUNC PyInit__speed(void) { return PyModule_Create(&module); }
`;
