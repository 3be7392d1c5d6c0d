#!/usr/bin/env node
let main;
try {
  ({ main } = await import('../dist/client/cli/main.js'));
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.message).includes('/dist/client/')) throw error;
  process.stderr.write('runbook: expected it to be built, got no dist folder\n  try: npm ci\n');
  process.exit(70);
}
process.exitCode = await main(process.argv.slice(2));
