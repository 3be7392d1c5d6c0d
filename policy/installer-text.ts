/** An installer's output made readable for the rules: what it said, without time stamps, debugging talk and its own source code. */

/** pip's `--log` writes `2026-11-21T15:54:37,792 ` before each line. */
const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d+ /gm;
/** Lines `uv -v` adds. */
const DEBUG = /^(?:DEBUG|TRACE) .*\n?/gm;
/** pip's log ends a failed call with its own traceback, which names classes that mean nothing to anybody. */
const OWN_TRACEBACK = /^Exception information:$(?:\n(?: .*|Traceback.*|During handling.*|The above exception.*|[\w.]+(?:Error|Exception|Conflicted|Found|Impossible)\b.*|))*/gm;

/** The output without what is no statement about the failure. */
export function saidBy(output: string): string {
  return output.replace(STAMP, '').replace(DEBUG, '').replace(OWN_TRACEBACK, '');
}

/** Reason a page was not read, and what a build printed: lines of pip's log that its output lacks. */
const PAGE = /Could not fetch URL|Skipping page/;
const BEGIN = /^ *Running command (?:.*pip subprocess|Getting requirements|Preparing metadata|Building (?:wheel|editable)|.*install build dependencies)/;
const END = /finished with status|exited with -?\d+$/;

/**
 * What pip's `--log` file adds to its output: why an index could not be read, and the output of the build steps. Everything
 * else in it talks of other versions and of links that were skipped.
 */
export function addedByPipLog(log: string): string {
  const kept: string[] = [];
  let isBuild = false;
  for (const line of log.replace(STAMP, '').split('\n')) {
    if (BEGIN.test(line)) isBuild = true;
    else if (END.test(line)) isBuild = false;
    else if (isBuild || PAGE.test(line)) kept.push(line);
  }
  return kept.join('\n');
}
