import assert from 'node:assert/strict';
import { chmodSync, chownSync, cpSync, existsSync, lchownSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { anchorLine } from '../../../../activities/host/anchor.js';
import { runnerOf } from '../../../../activities/host/checks/runner.js';
import { look } from '../../../../activities/host/look.js';
import { agentOwner } from '../../../../activities/host/owner.js';
import { probeLive } from '../../../../activities/host/probe-live.js';
import type { EnvironmentFacts } from '../../../../policy/checks/facts.js';
import { checkedBench, type Checked, type CheckedBench } from '../../../support/checked-environment.js';
import { giveTo } from '../../../support/environments.js';
import { testScope } from '../../../support/host.js';

const isRoot = process.getuid?.() === 0;
const user = { uid: 1, gid: 1, name: 'daemon' };

describe('a check by root starts nothing as root that another user could have put there', { skip: isRoot ? false : 'only root could start it as somebody else' }, () => {
  const root = agentOwner();
  let bench: CheckedBench;
  let made = 0;
  before(() => {
    bench = checkedBench();
  });
  after(() => bench.close());

  /** A project all of root's, with an interpreter that the user can run, too. */
  async function environment(): Promise<Checked> {
    const at = await bench.environment({ owner: user });
    giveTo(at.project, root);
    return at;
  }

  /** A program's text, and as whom it ran: also where it runs often, and by whom. */
  function witness(): { file: string; uids(): string[] } {
    const folder = join(bench.host.folder, `told-${++made}`);
    mkdirSync(folder);
    chmodSync(folder, 0o1777);
    const file = join(folder, 'uid');
    const uids = (): string[] => ['0', '1', '65534'].filter((uid) => existsSync(file + uid));
    return { file, uids };
  }

  const pth = (file: string): string => `import os; open(${JSON.stringify(file)} + str(os.getuid()), 'w').close()\n`;
  const everything = (at: Checked, changes = {}): Promise<EnvironmentFacts> => at.measure({ rules: at.rules({ required: ['beta'] }), ...changes });
  const runner = ({ project, link }: Checked, importModule: string | null = null): number => runnerOf(project, root, join(link, 'bin/python'), importModule).uid;

  test('the environment is another user\'s: its .pth runs as that user, and never as root', async () => {
    const at = await environment();
    const { file, uids } = witness();
    writeFileSync(join(at.site, 'told.pth'), pth(file));
    assert.ok((await everything(at)).interpreter.ok);
    assert.deepEqual(uids(), ['65534'], 'all of root\'s: it does run, but what such a line does can\'t be told');
    rmSync(`${file}65534`);
    giveTo(at.link, user);
    const facts = await everything(at);
    assert.ok(facts.interpreter.ok && facts.imports.ok && facts.integrity?.ok && facts.virtual?.base.ok, JSON.stringify(facts));
    assert.deepEqual(uids(), ['1']);
  });

  test('a link of root\'s that leads into another user\'s folder, and one by VIRTUAL_ENV', async () => {
    const at = await environment();
    const { file, uids } = witness();
    const home = join(bench.host.folder, 'home');
    mkdirSync(home);
    writeFileSync(join(at.site, 'told.pth'), pth(file));
    renameSync(at.link, join(home, 'venv'));
    symlinkSync(join(home, 'venv'), at.link);
    chownSync(home, user.uid, user.gid);
    assert.ok((await everything(at)).interpreter.ok);
    assert.deepEqual(uids(), ['1'], 'who owns the folder may put another tree there');
    rmSync(at.link);
    rmSync(`${file}1`);
    const facts = await everything(at, { env: { VIRTUAL_ENV: join(home, 'venv') } });
    assert.deepEqual([facts.foundBy, uids()], ['VIRTUAL_ENV', ['1']]);
  });

  test('an interpreter that pyvenv.cfg names is started as the user who owns it', async () => {
    const at = await environment();
    const { file, uids } = witness();
    const folder = join(bench.host.folder, 'base');
    mkdirSync(folder);
    const program = join(folder, 'python3');
    writeFileSync(program, `#!/bin/sh\n: > ${file}$(id -u)\n`, { mode: 0o755 });
    lchownSync(program, user.uid, user.gid);
    writeFileSync(join(at.link, 'pyvenv.cfg'), `${readFileSync(join(at.link, 'pyvenv.cfg'), 'utf8').replace(/^executable.*\n/m, '')}executable = ${program}\n`);
    await everything(at);
    assert.deepEqual(uids(), ['1']);
  });

  test('any one thing of another user\'s decides, wherever it is; what others may write to is nobody\'s', async () => {
    const at = await environment();
    assert.equal(runner(at), 0);
    const things = [at.project, at.link, join(at.link, 'bin'), join(at.link, 'bin/python'), join(at.link, 'pyvenv.cfg'), join(at.link, 'lib'), dirname(at.site), at.site, join(at.site, 'beta.py'), join(at.site, 'pandas/deep.py')];
    for (const thing of things) {
      lchownSync(thing, user.uid, 0);
      assert.deepEqual(runnerOf(at.project, root, join(at.link, 'bin/python'), null), user, `${thing}: and not with root's group`);
      lchownSync(thing, 0, 0);
    }
    for (const [thing, mode, back] of [[at.project, 0o777, 0o755], [at.site, 0o1777, 0o755], [join(at.link, 'pyvenv.cfg'), 0o646, 0o644], [join(at.site, 'pandas/deep.py'), 0o666, 0o644]] as const) {
      chmodSync(thing, mode);
      assert.equal(runner(at), 65534, thing);
      chmodSync(thing, back);
    }
    const module = join(at.site, 'beta.py');
    chmodSync(module, 0o664);
    assert.equal(runner(at), 0, 'the group of root is root');
    lchownSync(module, 0, user.gid);
    assert.equal(runner(at), 65534, 'another group is not');
    lchownSync(module, 0, 0);
    chmodSync(module, 0o644);
    writeFileSync(join(at.link, '.lock'), '');
    chmodSync(join(at.link, '.lock'), 0o666);
    assert.equal(runner(at), 0, 'what uv leaves beside the folders is no code');
  });

  test('code outside the tree that is on its search path: a folder that a .pth names, a copied library, the project\'s own module', async () => {
    const at = await environment();
    const source = join(bench.host.folder, 'source');
    mkdirSync(source);
    chownSync(source, user.uid, user.gid);
    writeFileSync(join(at.site, '__editable__.own.pth'), `${source}\n`);
    assert.equal(runner(at), 1);
    rmSync(join(at.site, '__editable__.own.pth'));
    symlinkSync(source, join(at.site, 'linked'));
    assert.equal(runner(at), 1);
    rmSync(join(at.site, 'linked'));
    const home = join(bench.host.folder, 'python/bin');
    mkdirSync(join(home, '../lib/python3.12'), { recursive: true });
    cpSync(join(at.link, 'pyvenv.cfg'), join(at.link, 'kept.cfg'));
    writeFileSync(join(at.link, 'pyvenv.cfg'), `home = ${home}\n`);
    assert.equal(runner(at), 0);
    chownSync(join(home, '../lib/python3.12'), user.uid, user.gid);
    assert.equal(runner(at), 1);
    mkdirSync(home);
    assert.equal(runner(at), 1, 'with a folder bin, and without');
    renameSync(join(at.link, 'kept.cfg'), join(at.link, 'pyvenv.cfg'));
    for (const thing of ['own/inner.py', 'random.py']) {
      mkdirSync(join(at.project, dirname(thing)), { recursive: true });
      writeFileSync(join(at.project, thing), '');
      assert.equal(runner(at, 'own'), 0);
      chownSync(join(at.project, thing), user.uid, user.gid);
      assert.deepEqual([runner(at, 'own.part'), runner(at)], [1, 0]);
      rmSync(join(at.project, thing));
    }
  });

  /** A root-owned folder outside of the environment, with a module of its own that tells who runs it. */
  function shared(name: string, file: string): string {
    const folder = join(bench.host.folder, `${name}-${++made}`);
    mkdirSync(join(folder, 'foo'), { recursive: true });
    writeFileSync(join(folder, 'foo/__init__.py'), pth(file));
    return folder;
  }
  const importing = (at: Checked): Promise<EnvironmentFacts> => everything(at, { rules: at.rules({ required: ['foo'] }) });
  const ranAs = (uids: () => string[], file: string): string[] => {
    const told = uids();
    for (const uid of told) rmSync(file + uid);
    return told;
  };

  test('what a .pth line or a link leads to is looked through: a module of another user\'s in a folder of root\'s', async () => {
    for (const [how, thing] of [['line', 'foo'], ['line', 'foo/__init__.py'], ['link', 'foo/__init__.py']] as const) {
      const at = await environment();
      const { file, uids } = witness();
      const folder = shared(how, file);
      if (how === 'line') writeFileSync(join(at.site, 'shared.pth'), `# ours\r\n${folder}\n`);
      else symlinkSync(join(folder, 'foo'), join(at.site, 'foo'));
      assert.ok((await importing(at)).imports.ok);
      assert.deepEqual(ranAs(uids, file), ['0'], `${how}: all of root's`);
      lchownSync(join(folder, thing), user.uid, user.gid);
      assert.ok((await importing(at)).imports.ok);
      assert.deepEqual(ranAs(uids, file), ['1'], `${how}, ${thing}`);
    }
  });

  test('the finder of an editable project leads anywhere: its module is imported as nobody', async () => {
    const at = await environment();
    const { file, uids } = witness();
    const folder = shared('editable', file);
    giveTo(folder, user);
    writeFileSync(join(at.site, '__editable___foo_1_0_finder.py'), `import sys\nMAPPING = {'foo': ${JSON.stringify(join(folder, 'foo'))}}\n\n\ndef install():\n    sys.path.append(${JSON.stringify(folder)})\n`);
    writeFileSync(join(at.site, '__editable__.foo-1.0.pth'), 'import __editable___foo_1_0_finder; __editable___foo_1_0_finder.install()\n');
    assert.ok((await importing(at)).imports.ok);
    assert.deepEqual(ranAs(uids, file), ['65534']);
    rmSync(join(at.site, '__editable__.foo-1.0.pth'));
    assert.equal(runner(at), 0);
    mkdirSync(join(at.site, 'foo-1.0.dist-info'));
    writeFileSync(join(at.site, 'foo-1.0.dist-info/direct_url.json'), '{"dir_info": {}, "url": "file:///srv/foo"}');
    assert.equal(runner(at), 0, 'installed from a folder');
    writeFileSync(join(at.site, 'foo-1.0.dist-info/direct_url.json'), '{"dir_info": {"editable": true}, "url": "file:///srv/foo"}');
    assert.equal(runner(at), 65534);
  });

  test('an ordinary environment of root\'s runs as root; one that leads to more than can be looked at does not', async () => {
    const at = await environment();
    const lines = {
      '_virtualenv.pth': 'import _virtualenv',
      'distutils-precedence.pth': 'import os; var = \'SETUPTOOLS_USE_DISTUTILS\'; enabled = os.environ.get(var, \'local\') == \'local\'; enabled and __import__(\'_distutils_hack\').add_shim(); \n',
      'spaces-nspkg.pth': 'import sys, types, os;has_mfs = sys.version_info > (3, 5);p = os.path.join(sys._getframe(1).f_locals[\'sitedir\'], *(\'spaces\',));importlib = has_mfs and __import__(\'importlib.util\');(p not in mp) and mp.append(p)\n',
      'a1_coverage.pth': 'import sys; exec(\'try: import coverage; coverage.process_startup()\\nexcept ImportError: pass\')\n',
      '_interpreter_runbooks_anchor.pth': anchorLine(at.link),
      'gone.pth': '/nonexistent/folder\n\n',
    };
    for (const [name, text] of Object.entries(lines)) writeFileSync(join(at.site, name), text);
    symlinkSync('pandas', join(at.site, 'round'));
    symlinkSync('..', join(at.site, 'pandas/up'));
    assert.equal(runner(at), 0);
    const executable = join(at.link, 'bin/python');
    assert.deepEqual([100_000, 20].map((most) => runnerOf(at.project, root, executable, null, most).uid), [0, 65534]);
    const kept = join(bench.host.folder, `packages-${++made}`);
    renameSync(at.site, kept);
    symlinkSync(kept, at.site);
    assert.equal(runner(at), 0);
    const theirs = join(bench.host.folder, `tree-${++made}`);
    mkdirSync(theirs);
    chownSync(theirs, user.uid, user.gid);
    writeFileSync(join(kept, 'other.pth'), anchorLine(theirs));
    assert.equal(runner(at), 1, 'an anchor leads to its tree');
    const elsewhere = 'import sys; sys.path.append("/srv/elsewhere")';
    for (const line of ['import os; os.system("/usr/bin/id")', `${lines['_virtualenv.pth']}; ${elsewhere}`, `\ufeff${elsewhere}`, `#\r${elsewhere}`, 'import __editable___own_1_0_finder; __editable___own_1_0_finder.install()']) {
      writeFileSync(join(kept, 'other.pth'), line);
      assert.equal(runner(at), 65534, `${line}: also in a folder of packages by another name`);
    }
  });

  test('neither does the look before a plan, nor the questions to a live environment', async () => {
    const at = await environment();
    const { file, uids } = witness();
    writeFileSync(join(at.site, 'told.pth'), pth(file));
    giveTo(at.link, user);
    const env = { host: bench.host.ctx.host, link: at.link };
    const { current } = await look(bench.host.ctx, testScope(), { env, to: null, manifest: false, create: false });
    assert.match(current!.version ?? 'none', /^3\./);
    assert.deepEqual(uids(), ['1']);
    rmSync(`${file}1`);
    const { python, imports } = await probeLive(bench.host.ctx, testScope(), { env, modules: ['beta'] });
    assert.deepEqual([python, imports.ok, uids()], [current!.version, true, ['1']]);
  });

  test('a project of another user\'s is checked as that user, whatever lies in it', async () => {
    const at = await environment();
    const { file, uids } = witness();
    writeFileSync(join(at.site, 'told.pth'), pth(file));
    giveTo(at.project, user);
    lchownSync(at.site, 0, 0);
    assert.ok((await everything(at)).interpreter.ok);
    assert.deepEqual(uids(), ['1']);
  });
});
