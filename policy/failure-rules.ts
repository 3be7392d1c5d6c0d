/** The table of failures: ordered, first hit decides. Texts are those of uv 0.13, pip 26 and CPython 3.11 to 3.13. */
import { buildRules, otherBuildRules } from './failure-rules-build.js';
import type { FailureRule, Tool } from './failures.js';
import type { FailureClass } from './model.js';

const UV: Tool[] = ['uv'];
const PIP: Tool[] = ['pip'];
const BOTH: Tool[] = ['uv', 'pip'];
const ALL: Tool[] = ['uv', 'pip', 'venv', 'python'];

function rule(tools: Tool[], failure: FailureClass, retryable: boolean, pattern: RegExp, remedy: string, rest: Pick<FailureRule, 'also' | 'exitCodes'> = {}): FailureRule {
  return { tools, class: failure, retryable, pattern, remedy, ...rest };
}

const OTHER_INTERPRETER = 'use the fallback interpreter, or move the pin to the nearest release that has a wheel (minimal relock)';
const NETWORK = 'check the network between this host and the package index; the step is tried again';

/** The host itself: these hide behind any other text, so they come first. */
const hostRules: FailureRule[] = [
  rule(BOTH, 'HASH_MISMATCH', false, /Hash mismatch for|DO NOT MATCH THE HASHES/i, 'stop: the file is not the one the lock approved; find out who changed it before anything is installed'),
  rule(BOTH, 'HASH_MISSING', false, /In .--require-hashes. mode, all requirements must have a hash|Hashes are required in --require-hashes mode/i, 'write the lock again with hashes: uv pip compile --generate-hashes'),
  rule(ALL, 'DISK_FULL', false, /No space left on device|\(os error 28\)|\[Errno 28\]|ENOSPC|Disk quota exceeded/i, 'free space on the project\'s file system, in TMPDIR and in the tool\'s cache, then run again'),
  rule(ALL, 'PERMISSION', false, /Permission denied \(os error 13\)|\[Errno 13\]|\bEACCES\b/i, 'check who owns the project, the cache and their parent folders'),
  rule(ALL, 'KILLED', true, /(?:)/, 'the process was killed: look for the out-of-memory killer in the kernel log', { exitCodes: [137, 143] }),
  rule(ALL, 'KILLED', true, /Killed signal terminated program|\(signal: 9|died with <Signals\.SIGKILL|exit code: -9$/im, 'a child process was killed: look for the out-of-memory killer in the kernel log, or build on a larger host'),
  rule(ALL, 'INTERPRETER_SHIM', false, /pyenv: .*command not found|Failed to inspect Python interpreter/i, 'name the interpreter itself (…/versions/X.Y.Z/bin/python), not the shim'),
  rule(BOTH, 'INTERPRETER_MISSING', false, /No interpreter found (?:for Python|at path|for path|in|with)|No virtual environment (?:or system Python installation )?found|Could not locate Python interpreter/i, 'install the interpreter on this host, or name its path under "interpreters" in agent.yaml'),
  rule(BOTH, 'SYSTEM_PYTHON', false, /externally[- ]managed|PEP 668/i, 'install into a virtual environment, never into the system\'s Python'),
  rule(UV, 'VENV_EXISTS', false, /A virtual environment already exists/i, 'an attempt met the tree of another one; this is a defect of ours, please report it'),
  rule(['venv', 'python'], 'VENV_CREATE', false, /ensurepip.*returned non-zero exit status|ensurepip is not available/i, 'check free space first; else install the interpreter\'s venv package (python3-venv), or use uv'),
  rule(ALL, 'VENV_BASE_GONE', false, /cannot execute: required file not found|failed to run command .*No such file or directory|spawn \S+ ENOENT|bad interpreter/i, 'the base interpreter was removed or the tree was moved: install it again or rebuild the environment'),
  rule(['venv', 'python'], 'VENV_BASE_GONE', false, /(?:)/, 'the interpreter could not be started: install it again or rebuild the environment', { exitCodes: [127] }),
];

const NOT_AN_INDEX = 'something else answers at this address (a log-in page, a wrong path): correct "index.url" in agent.yaml';
const BROKEN_OFF = 'the connection to the index broke off in the middle of an answer; the step is tried again';

/** The resolver's own answers. */
const resolverRules: FailureRule[] = [
  rule(UV, 'NO_DISTRIBUTION', false, /no wheels with a matching platform tag|doesn't have a source distribution or wheel for the current platform/i, 'this release was not built for this platform: use another release, or a builder host'),
  rule(UV, 'WHEEL_MISSING', false, /has no usable wheels/i, OTHER_INTERPRETER, { also: /building from source is disabled/i }),
  rule(UV, 'WHEEL_MISSING', false, /no wheels with a matching Python (?:version|ABI|implementation) tag|only has wheels with the following/i, OTHER_INTERPRETER),
  // Asked for any version at all, and the project's page named no file: a log-in page looks like that.
  rule(UV, 'INDEX_NOT_AN_INDEX', false, /there are no versions of [^\s=<>]+ (?:and|,)/i, NOT_AN_INDEX),
  rule(UV, 'VERSION_NOT_FOUND', false, /there (?:is|are) no versions? of /i, 'correct the pin; a version just published may not have reached this index yet'),
  rule(UV, 'INDEX_AUTH', false, /401 Unauthorized|403 Forbidden/i, 'give the agent\'s user credentials for the index (netrc or keyring)'),
  rule(UV, 'PROJECT_NOT_FOUND', false, /was not found in the package registry|was not found in the provided package locations/i, 'correct the name, or configure the private index in agent.yaml'),
  rule(UV, 'REQUIRES_PYTHON', false, /does not satisfy Python/i, 'use an interpreter the package allows, or a release that allows this one'),
  rule(PIP, 'REQUIRES_PYTHON', false, /requires a different Python|different python version: (?:.*; )?([^\s;]+) Requires-Python .*\n(?:.*\n){0,3}?.*satisfies the requirement [^\s=]+==\1 /i, 'use an interpreter the package allows, or a release that allows this one'),
  rule(BOTH, 'CONFLICT', false, /conflicting dependencies|ResolutionImpossible|depends on .* and you require|because you require .* and .*unsatisfiable/i, 'two pins exclude each other: relock, and move coupled packages together'),
  rule(BOTH, 'WHEEL_WRONG_TAG', false, /is not a supported wheel on this platform|(?:is not compatible|is incompatible) with the current platform/i, 'the file was built for another platform or interpreter: take the right one'),
  rule(BOTH, 'WHEEL_CORRUPT', true, /end of central directory record|^ERROR: Wheel .* is invalid\.$|invalid package format|Failed to extract archive|not a valid zip|`RECORD` file is invalid|The wheel is invalid: |failed to (?:open file|read directory) `[^`\n]*\/archive-v\d/im, 'drop the file from the tool\'s cache (uv cache clean NAME) and fetch it once more'),
];

/** uv stops at the first of these. */
const uvNetworkRules: FailureRule[] = [
  rule(UV, 'NET_REFUSED', true, /Connection refused|\(os error 111\)/i, NETWORK),
  rule(UV, 'NET_DNS', true, /dns error|failed to lookup address/i, 'check the index\'s host name and this host\'s name service; the step is tried again'),
  rule(UV, 'NET_TIMEOUT', true, /operation timed out|didn't respond within/i, NETWORK),
  rule(UV, 'NET_TLS', false, /invalid peer certificate|UnknownIssuer/i, 'name the index\'s CA bundle as "index.ca" in agent.yaml'),
  rule(UV, 'INDEX_RATE_LIMIT', true, /429 Too Many Requests/i, 'the index asks for fewer requests: try later, or use a mirror'),
  rule(UV, 'INDEX_DOWN', true, /HTTP status server error \(5\d\d/i, 'the index is out of order; the step is tried again'),
  rule(UV, 'INDEX_NOT_AN_INDEX', false, /Unsupported .Content-Type./i, NOT_AN_INDEX),
  rule(UV, 'NET_REFUSED', true, /end of file before message length reached|connection closed before message completed|connection reset|\(os error 104\)/i, BROKEN_OFF),
];

/** pip goes on over these and says "no matching distribution": they count only where it did. */
const NOT_FOUND = { also: /No matching distribution found|Could not find a version that satisfies/i };
const pipNetworkRules: FailureRule[] = [
  rule(PIP, 'INDEX_AUTH', false, /EOFError: EOF when reading a line/i, 'give the agent\'s user credentials for the index (netrc or keyring)'),
  rule(PIP, 'INDEX_AUTH', false, /Could not fetch URL .*40[13] Client Error/i, 'give the agent\'s user credentials for the index (netrc or keyring)', NOT_FOUND),
  rule(PIP, 'NET_TLS', false, /CERTIFICATE_VERIFY_FAILED|problem confirming the ssl certificate/i, 'name the index\'s CA bundle as "index.ca" in agent.yaml', NOT_FOUND),
  rule(PIP, 'NET_TLS', false, /is not a trusted or secure host and is being ignored/i, 'use an https address for the index', NOT_FOUND),
  rule(PIP, 'NET_REFUSED', true, /\[Errno 111\]|Connection refused/i, NETWORK, NOT_FOUND),
  rule(PIP, 'NET_REFUSED', true, /incomplete-download|Connection broken: IncompleteRead|^(?:ERROR|pip\._vendor)[^\n]*Connection reset by peer/im, BROKEN_OFF),
  rule(PIP, 'NET_DNS', true, /Name or service not known|Temporary failure in name resolution|getaddrinfo failed/i, 'check the index\'s host name and this host\'s name service; the step is tried again', NOT_FOUND),
  rule(PIP, 'NET_TIMEOUT', true, /Read timed out|ConnectTimeoutError/i, NETWORK, NOT_FOUND),
  rule(PIP, 'INDEX_RATE_LIMIT', true, /429 Client Error|too many 429 error responses/i, 'the index asks for fewer requests: try later, or use a mirror', NOT_FOUND),
  rule(PIP, 'INDEX_DOWN', true, /too many 5\d\d error responses|5\d\d Server Error/i, 'the index is out of order; the step is tried again', NOT_FOUND),
  rule(PIP, 'INDEX_NOT_AN_INDEX', false, /request got Content-Type/i, NOT_AN_INDEX, NOT_FOUND),
  rule(PIP, 'PROJECT_NOT_FOUND', false, /Could not fetch URL .*404 Client Error/i, 'correct the name, or configure the private index in agent.yaml', NOT_FOUND),
  rule(PIP, 'AMBIGUOUS', false, /Could not find a version that satisfies .*\(from versions: /i, 'pip says the same for no wheel, no such version and no index: assess with uv, or read pip\'s --log file'),
];

/** All of them, in the order in which they are asked. */
export const failureRules: FailureRule[] = [...hostRules, ...resolverRules, ...buildRules, ...uvNetworkRules, ...pipNetworkRules, ...otherBuildRules];
