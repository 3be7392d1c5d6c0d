/**
 * Process entry: lets the SDK download a Temporal CLI from Temporal's own site into the folder of the first argument.
 * A process of its own, because the SDK's download can't be given up once it has begun; its parent ends it after a limit.
 */
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { installRuntime } from '../log.js';

installRuntime('cli-download', 'ERROR');
const [, , downloadDir, version] = process.argv;
if (downloadDir === undefined || version === undefined) throw new Error('expected two arguments, the folder for the download and the version');
// Starting a server is the SDK's only way to download; it is stopped at once.
const environment = await TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'cached-download', downloadDir, version: `v${version}` }, ip: '127.0.0.1', ui: false } });
await environment.teardown();
process.exit(0);
