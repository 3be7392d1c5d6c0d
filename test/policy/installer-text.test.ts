import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addedByPipLog, saidBy } from '../../policy/installer-text.js';

/** As pip 23 writes its `--log`, shortened. */
const LOG = [
  '2026-11-21T15:54:36,001 Using pip 23.2.1 from /opt/pip (python 3.12)',
  "2026-11-21T15:54:36,002   Skipping link: none of the wheel's tags (cp27) are compatible: http://x/a.whl",
  '2026-11-21T15:54:36,003 Could not fetch URL http://x/simple/flask/: 401 Client Error: Unauthorized for url: http://x/simple/flask/ - skipping',
  '2026-11-21T15:54:37,850   Preparing metadata (pyproject.toml): started',
  '2026-11-21T15:54:37,850   Running command Preparing metadata (pyproject.toml)',
  '2026-11-21T15:54:37,995   running dist_info',
  "2026-11-21T15:54:38,061   Preparing metadata (pyproject.toml): finished with status 'done'",
  '2026-11-21T15:54:38,072   Running command Building wheel for nohdr (pyproject.toml)',
  '2026-11-21T15:54:38,302   x.c:2:10: fatal error: nosuchheader.h: No such file or directory',
  '2026-11-21T15:54:38,340   ERROR: [present-rich] Building wheel for nohdr (pyproject.toml) exited with 1',
  '2026-11-21T15:54:38,345 Failed to build nohdr',
  '2026-11-21T15:54:38,346 Exception information:',
  '2026-11-21T15:54:38,346 Traceback (most recent call last):',
  '2026-11-21T15:54:38,346   File "/opt/pip/install.py", line 429, in run',
  '2026-11-21T15:54:38,346 pip._internal.exceptions.InstallationError: Could not build wheels for nohdr',
  "2026-11-21T15:54:38,347 Removed build tracker: '/tmp/x'",
].join('\n');

test('what pip keeps for its log: why a page was not read, and what builds printed; nothing else', () => {
  const added = addedByPipLog(LOG).split('\n').map((line) => line.trim());
  assert.deepEqual(added, ['Could not fetch URL http://x/simple/flask/: 401 Client Error: Unauthorized for url: http://x/simple/flask/ - skipping', 'running dist_info', 'x.c:2:10: fatal error: nosuchheader.h: No such file or directory']);
  assert.equal(addedByPipLog(''), '');
});

test('time stamps, debugging talk and pip\'s own traceback are no words about the failure', () => {
  const said = saidBy(LOG);
  assert.ok(!said.includes('2026-11-21') && !said.includes('InstallationError') && said.includes('Failed to build nohdr') && said.includes('Removed build tracker'), said);
  assert.equal(saidBy('DEBUG Searching\nerror: no\nTRACE more\n'), 'error: no\n');
});
