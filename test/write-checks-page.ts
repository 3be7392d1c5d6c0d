/** `node dist/test/write-checks-page.js`: writes docs/checks.md from the checks; a test holds it current. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { checksPage } from './support/checks-page.js';

writeFileSync(path.resolve(import.meta.dirname, '../..', 'docs/checks.md'), checksPage());
