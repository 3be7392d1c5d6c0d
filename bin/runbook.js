#!/usr/bin/env node
// `guard` stands before every start of a service: nothing else of the command line is loaded for it.
const words = process.argv.slice(2);
let code = null;
if (words[0] === 'guard') code = await (await load('../dist/worker/main-guard.js')).guard(words.slice(1));
if (code === null) code = await (await load('../dist/client/cli/main.js')).main(words);
process.exitCode = code;

async function load(file) {
  try {
    return await import(file);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.message).includes(`${file.slice(2)}'`)) throw error;
    process.stderr.write('runbook: expected it to be built, got no dist folder\n  try: npm ci\n');
    process.exit(70);
  }
}
