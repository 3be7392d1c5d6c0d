/** Files that start something from an environment: cron tables, service units, scripts. */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Owner, Rider } from '../../policy/model.js';
import { homeOf } from './command-env.js';
import { agentOwner } from './owner.js';
import { isDenied } from './proc.js';
import { namesPath } from './riders-process.js';

/** Where such files lie; tests name other places. */
export interface RiderPlaces {
  cronFiles: string[];
  cronFolders: string[];
  /** Folders of one table a user. */
  cronSpools: string[];
  unitFolders: string[];
  scriptFolders: string[];
}

/** The places of a Linux host. */
export function hostPlaces(owner: Owner): RiderPlaces {
  return {
    cronFiles: ['/etc/crontab'],
    cronFolders: ['/etc/cron.d', '/etc/cron.hourly', '/etc/cron.daily', '/etc/cron.weekly', '/etc/cron.monthly'],
    cronSpools: ['/var/spool/cron/crontabs', '/var/spool/cron'],
    unitFolders: ['/etc/systemd/system', '/run/systemd/system', '/usr/local/lib/systemd/system', '/usr/lib/systemd/system', join(homeOf(owner), '.config/systemd/user')],
    scriptFolders: ['/usr/local/bin'],
  };
}

/** A file that may start something, or a place that could not be inspected. */
interface Source {
  rider: Rider;
  text: string;
}

/** A unit file or table is text of a few pages; the first line of a script is enough. */
const LARGEST_BYTES = 1024 * 1024;
const SHEBANG_BYTES = 256;

/** Riders among the files. What may not be read and could be the owner's is `unknown`. */
export function fileRiders(owner: Owner, paths: string[], places: RiderPlaces = hostPlaces(owner)): Rider[] {
  const sources = [...cronSources(owner, places), ...unitSources(places), ...scriptSources(places)];
  return sources.filter(({ rider, text }) => rider.kind === 'unknown' || paths.some((path) => namesPath(text, path))).map(({ rider }) => rider);
}

function cronSources(owner: Owner, places: RiderPlaces): Source[] {
  const tables = [...places.cronFiles.filter((file) => existsSync(file)), ...places.cronFolders.flatMap((folder) => filesIn(folder).files)];
  const spools = places.cronSpools.flatMap((folder) => {
    const { files, isDenied: denied } = filesIn(folder);
    return denied ? ownTable(owner, folder) : files.flatMap((file) => source('cron', file, `cron table of ${basename(file)}`, text(file)));
  });
  return [...tables.flatMap((file) => source('cron', file, `cron table ${file}`, text(file))), ...spools];
}

/** A user may not list the spool; `crontab -l` reads the user's own table. */
function ownTable(owner: Owner, folder: string): Source[] {
  if (owner.uid === agentOwner().uid && existsSync('/usr/bin/crontab')) {
    try {
      const table = execFileSync('/usr/bin/crontab', ['-l'], { timeout: 5000, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { HOME: homeOf(owner), LANG: 'C.UTF-8' } });
      return source('cron', owner.name, `cron table of ${owner.name}`, table);
    } catch (error) {
      // Exit code 1: there is no table.
      if ((error as { status?: number }).status === 1) return [];
    }
  }
  return [{ rider: { kind: 'unknown', id: folder, what: `cron tables that ${agentOwner().name} may not read` }, text: '' }];
}

function unitSources(places: RiderPlaces): Source[] {
  return places.unitFolders.flatMap((folder) => {
    const { files } = filesIn(folder);
    const units = files.filter((file) => /\.(service|timer|socket|path)$/.test(file));
    // Settings added to a unit lie in NAME.d beside it.
    const drops = foldersIn(folder).filter((name) => name.endsWith('.d')).flatMap((name) => filesIn(join(folder, name)).files.filter((file) => file.endsWith('.conf')));
    return [...units, ...drops].flatMap((file) => source('unit', basename(file), file, text(file)));
  });
}

function scriptSources(places: RiderPlaces): Source[] {
  return places.scriptFolders.flatMap((folder) => filesIn(folder).files.flatMap((file) => source('shebang', file, `script ${file}`, firstLine(file))));
}

function source(kind: Rider['kind'], id: string, what: string, content: string | null): Source[] {
  // Root's own files that a user may not read are not the user's services.
  return content === null ? [] : [{ rider: { kind, id, what }, text: content }];
}

function filesIn(folder: string): { files: string[]; isDenied: boolean } {
  try {
    const files = readdirSync(folder).sort().map((name) => join(folder, name)).filter(isFile);
    return { files, isDenied: false };
  } catch (error) {
    return { files: [], isDenied: isDenied(error) };
  }
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    // A link to nowhere (a masked unit), or gone since it was listed.
    return false;
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

function text(file: string): string | null {
  try {
    return statSync(file).size > LARGEST_BYTES ? null : readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function firstLine(file: string): string | null {
  try {
    const handle = openSync(file, 'r');
    try {
      const buffer = Buffer.alloc(SHEBANG_BYTES);
      const line = buffer.toString('latin1', 0, readSync(handle, buffer)).split('\n')[0]!;
      return line.startsWith('#!') ? line.slice(2).trim() : null;
    } finally {
      closeSync(handle);
    }
  } catch {
    return null;
  }
}
