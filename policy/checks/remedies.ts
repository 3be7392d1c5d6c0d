/** Commands that a check names as the way out: typed as they stand, from any folder. */
import { oneLine, shellWord } from '../text.js';
import type { EnvironmentFacts } from './facts.js';
import type { CheckRules } from './model.js';

type Place = Pick<EnvironmentFacts, 'project' | 'link' | 'virtual' | 'foundBy' | 'interpreter'>;

/** The environment as an argument of `runbook`: the project's folder where the link is `.venv`. */
export function targetWord({ link }: Pick<Place, 'link'>): string {
  const cut = link.lastIndexOf('/');
  const [folder, name] = [link.slice(0, cut) || '/', link.slice(cut + 1)];
  if (name === '.venv') return shellWord(folder);
  return shellWord(name.startsWith('.venv') ? link : `${folder}#${name}`);
}

/** A tree that runs of ours made; it is replaced, never repaired in place. */
export const isManaged = ({ virtual }: Pick<Place, 'virtual'>): boolean => virtual !== null && /\/\.venvs\/[^/]+$/.test(virtual.path);

/** Another project's environment that is active in the process: nothing is put into it, rebuilt or frozen for this project. */
export function isForeign({ foundBy, virtual, interpreter, project }: Place): boolean {
  const path = virtual?.path ?? (interpreter.ok ? interpreter.value.executable : null);
  return foundBy === 'VIRTUAL_ENV' && path !== null && !path.startsWith(`${project.replace(/\/$/, '')}/`);
}

/** The project's interpreter as a shell word; the one that a new environment would have where there is none. */
export const pythonWord = ({ interpreter, link }: Pick<Place, 'interpreter' | 'link'>): string => shellWord(interpreter.ok ? interpreter.value.executable : `${link}/bin/python`);

/** Tells what each import takes, and the error of one that fails. */
export const importTimesCommand = (place: Pick<Place, 'interpreter' | 'link'>, modules: readonly string[]): string => `${pythonWord(place)} -X importtime -c "import ${modules.join(', ') || 'site'}"`;

/** A file of the project as a shell word. */
export const fileWord = ({ project }: Pick<Place, 'project'>, path: string): string => shellWord(path.startsWith('/') ? path : `${project}/${path}`);

/** Makes the environment where nothing stands yet; by a run, or by hand. */
export function createCommands(place: Place, { primary }: Pick<CheckRules, 'primary'>): string {
  return [`runbook env create ${targetWord(place)} --to ${shownSpec(primary)}`, `# or by hand: ${executableOf(primary)} -m venv ${shellWord(place.link)}`].join('\n');
}

/** To an interpreter that the policy approves; one that does not run is built anew even where no version differs. */
export function changeCommands(place: Place, rules: Pick<CheckRules, 'primary'>): string {
  if (place.foundBy !== 'link') return createCommands(place, rules);
  return `runbook ${place.interpreter.ok ? 'run change' : 'env reset'} ${targetWord(place)} --to ${shownSpec(rules.primary)}`;
}

/** To what the lock says. Nothing is installed into an interpreter that is of no environment, or of another project's. */
export function reinstallCommands(place: Place, lock: string, rules: Pick<CheckRules, 'primary'>): string {
  const { interpreter, foundBy } = place;
  if (isForeign(place)) return createCommands(place, rules);
  if (isManaged(place) || (!interpreter.ok && foundBy === 'link')) return `runbook env reset ${targetWord(place)} --reason "differs from its lock"`;
  if (!interpreter.ok || !interpreter.value.isVirtual) return `runbook env create ${targetWord(place)}`;
  if (isPylock(lock)) return `uv pip sync --python ${pythonWord(place)} ${fileWord(place, lock)}`;
  return `${pythonWord(place)} -m pip install -r ${fileWord(place, lock)}`;
}

/** Takes packages out that the lock does not name, where `reinstallCommands` would leave them: `pip install` removes nothing. */
export function removeCommands(place: Place, lock: string, names: readonly string[]): string[] {
  const { interpreter } = place;
  const isByPip = interpreter.ok && interpreter.value.isVirtual && !isManaged(place) && !isForeign(place) && !isPylock(lock);
  return isByPip && names.length > 0 ? [`${pythonWord(place)} -m pip uninstall -y ${names.map(shellWord).join(' ')}`] : [];
}

/** The environment's own `pip`; for trees of ours, which need not have one, the host's. */
export const pipWord = (place: Place): string => (isManaged(place) ? `python3 -m pip --python ${pythonWord(place)}` : `${pythonWord(place)} -m pip`);

/** Writes the lock from what is installed; where that is another project's, a person writes it first. */
export function freezeCommands(place: Place, lock: string, rules: Pick<CheckRules, 'primary'>): string {
  if (isForeign(place)) return [`# pin first in ${oneLine(lock)} what the project needs`, createCommands(place, rules)].join('\n');
  if (isPylock(lock)) return `uv pip compile --format pylock.toml ${fileWord(place, 'requirements.in')} -o ${fileWord(place, lock)}`;
  return `${pipWord(place)} freeze > ${fileWord(place, lock)}`;
}

const isPylock = (lock: string): boolean => /(^|\/)pylock(\.[^/]+)?\.toml$/.test(lock);

/** `3.12` for `3.12.x`: as `--to` takes it. */
const shownSpec = (spec: string): string => spec.replace(/\.x$/, '');

/** `python3.12` for `3.12.x`: the name it has on a shell. */
export const executableOf = (spec: string): string => `python${spec.split('.').slice(0, 2).join('.')}`;
