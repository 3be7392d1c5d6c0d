/** The package index, from the agent file only, in the words of each installer. */
import type { HostContext } from './context.js';

/** The index for people: address without credentials, folder of wheels, or that the tool's own default is used. */
export function indexLabel(ctx: HostContext): string {
  const { url, findLinks } = ctx.agentFile.index;
  const index = url ?? "the installer's default index";
  return findLinks === undefined ? index : `${index}, and wheels in ${findLinks}`;
}

/** Flags that come after a `uv pip` verb. */
export function uvIndexArgs(ctx: HostContext): string[] {
  const { url, findLinks } = ctx.agentFile.index;
  return [...(url === undefined ? [] : ['--default-index', url]), ...(findLinks === undefined ? [] : ['--find-links', findLinks])];
}

/** Flags that come after a `pip` verb. */
export function pipIndexArgs(ctx: HostContext): string[] {
  const { url, findLinks, ca } = ctx.agentFile.index;
  return [...(url === undefined ? [] : ['--index-url', url]), ...(findLinks === undefined ? [] : ['--find-links', findLinks]), ...(ca === undefined ? [] : ['--cert', ca])];
}

/** Flags every pip call gets: no questions, no second tries (retrying is the workflow's), no talk about pip itself. */
export const PIP_ALWAYS = ['--no-input', '--disable-pip-version-check', '--retries', '1', '--no-color'];

/** Environment of every uv call: no download of interpreters, no configuration files, plain text, one try. */
export function uvEnvironment(ctx: HostContext, cacheDir: string): Record<string, string> {
  const { ca } = ctx.agentFile.index;
  return {
    UV_PYTHON_DOWNLOADS: 'never',
    UV_NO_CONFIG: '1',
    UV_NO_PROGRESS: '1',
    NO_COLOR: '1',
    UV_HTTP_RETRIES: '1',
    UV_CACHE_DIR: cacheDir,
    UV_LINK_MODE: ctx.agentFile.linkMode,
    ...(ca === undefined ? {} : { SSL_CERT_FILE: ca }),
  };
}

/** Environment of every pip call: with an index in the agent file, no configuration file may add another one. */
export function pipEnvironment(ctx: HostContext): Record<string, string> {
  return ctx.agentFile.index.url === undefined ? {} : { PIP_CONFIG_FILE: '/dev/null' };
}
