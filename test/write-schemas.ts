/** `node dist/test/write-schemas.js`: writes `docs/schemas/*.json` from the schemas in policy/checks/schema.ts; a test holds them current. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { schemaFiles } from '../policy/checks/schema.js';

const folder = path.resolve(import.meta.dirname, '../..', 'docs/schemas');
mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(schemaFiles())) writeFileSync(path.join(folder, name), text);
