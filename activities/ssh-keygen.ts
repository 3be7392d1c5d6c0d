/**
 * Judges and makes signatures with the stock ssh-keygen; control and hosts use the same functions. ssh-keygen says the same for
 * every refusal, so each step asks one thing and has words of its own (decision 4).
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Signers } from '../policy/files/people.js';
import type { SignatureNamespace, SignatureVerdict } from '../policy/model-approval.js';
import { allowedSignersLine, judgeKey, rolesAt, signersDigest } from '../policy/signers.js';
import { MAX_SIGNED_TEXT } from '../policy/signed-texts.js';
import { readSignatureHead } from './ssh-armour.js';
import { runSshKeygen, runSshKeygenSync, unavailable, type ToolCall, type ToolResult } from './ssh-tool.js';

export interface SignatureInput {
  namespace: SignatureNamespace;
  text: string;
  /** Armoured, as `ssh-keygen -Y sign` wrote it. */
  signature: string;
}

export interface JudgeInput extends SignatureInput {
  /** People and keys as they are now. */
  signers: Signers;
  /** ISO; keys and roles are judged as of it. */
  t: string;
}

/** Whose key made it, by fingerprint; or why it is no signature of this text. */
export type KeyVerdict = { fingerprint: string; reason: '' } | { fingerprint: null; reason: string };

/** One judgement as the questions it asks of ssh-keygen; asked in line or while others work. */
type Asking<T> = Generator<ToolCall, T, ToolResult>;

async function ask<T>(asking: Asking<T>): Promise<T> {
  let step = asking.next();
  while (!step.done) step = asking.next(await runSshKeygen(step.value));
  return step.value;
}

function askSync<T>(asking: Asking<T>): T {
  let step = asking.next();
  while (!step.done) step = asking.next(runSshKeygenSync(step.value));
  return step.value;
}

/**
 * Whether the signature is one of this text for this purpose, whoever's. Judges no person: see {@link judgeSignature}.
 * @throws SignaturesUnavailable
 */
export const keyOfSignature = (input: SignatureInput): Promise<KeyVerdict> => ask(findKey(input));

/**
 * Judges a signature as of `t` with the people, keys and roles given: is it one of this text → whose key → may the key be used
 * → and at last what stock `ssh-keygen -Y verify -Overify-time=` says with that one key.
 * @throws SignaturesUnavailable (retryable) when ssh-keygen can't be asked: never "invalid"
 */
export const judgeSignature = (input: JudgeInput): Promise<SignatureVerdict> => ask(judge(input));

/** The same while nothing else runs, some 10 ms: for reading a file that is in force only with its signatures. */
export const judgeSignatureSync = (input: JudgeInput): SignatureVerdict => askSync(judge(input));

function* findKey({ namespace, text, signature }: SignatureInput): Asking<KeyVerdict> {
  const problem = shapeProblem(namespace, text, signature);
  if (problem !== null) return { fingerprint: null, reason: problem };
  const told = yield { args: ['-Y', 'check-novalidate', '-n', namespace, '-s', 'sig'], files: { sig: signature }, stdin: text };
  if (!told.ok) {
    yield* expectWorkingTool();
    return { fingerprint: null, reason: text.includes('\r') ? 'the signature does not match the text: it has carriage returns, it was changed on its way' : `the signature does not match the text${inItsWords(told)}` };
  }
  const [, type, fingerprint] = /^Good ".*" signature with (\S+) key (SHA256:[A-Za-z0-9+/]{43})$/m.exec(told.stdout) ?? [];
  if (fingerprint === undefined) throw unavailable(`expected "Good … signature with … key SHA256:…" of ssh-keygen, got ${JSON.stringify(told.stdout.slice(0, 200))}`);
  // A certificate has the fingerprint of the key inside it: without this, who may issue certificates could lend a key's name.
  return type!.endsWith('-CERT') ? { fingerprint: null, reason: CERTIFICATE } : { fingerprint, reason: '' };
}

const CERTIFICATE = 'it was signed with a certificate; sign with the plain key that the policy names';

function shapeProblem(namespace: string, text: string, signature: string): string | null {
  if (Buffer.byteLength(text) > MAX_SIGNED_TEXT) return `the signed text has more than ${MAX_SIGNED_TEXT} bytes`;
  const head = readSignatureHead(signature);
  if ('problem' in head) return head.problem;
  if (head.namespace !== namespace) return `it was signed for another purpose: expected namespace ${namespace}, got ${head.namespace}`;
  return head.keyType.includes('-cert-') ? CERTIFICATE : null;
}

function* judge(input: JudgeInput): Asking<SignatureVerdict> {
  const { signers, namespace, t } = input;
  const made = yield* findKey(input);
  const verdict: SignatureVerdict = { valid: false, person: null, roles: [], fingerprint: made.fingerprint, signer: null, reason: made.reason, signersDigest: signersDigest(signers) };
  if (made.fingerprint === null) return verdict;
  const { valid, person, reason, key } = judgeKey(signers, made.fingerprint, t);
  if (person === null || key === null) return { ...verdict, reason };
  const named = { ...verdict, person, roles: rolesAt(signers, person, t), signer: allowedSignersLine(person, key, [namespace]) };
  if (!valid) return { ...named, reason };
  const told = yield verification(input, person, named.signer);
  if (told.ok) return { ...named, valid: true, reason: '' };
  yield* expectWorkingTool();
  return { ...named, reason: `ssh-keygen does not accept it for ${person} at ${t}${inItsWords(told)}` };
}

const verification = ({ namespace, text, signature, t }: JudgeInput, person: string, signer: string): ToolCall => ({
  args: ['-Y', 'verify', '-f', 'allowed_signers', '-I', person, '-n', namespace, `-Overify-time=${stamp(t)}`, '-s', 'sig'],
  files: { sig: signature, allowed_signers: `${withoutZone(signer)}\n` },
  stdin: text,
});

/** `YYYYMMDDHHMMSS`, UTC by the call's environment. */
const stamp = (t: string): string => new Date(t).toISOString().slice(0, 19).replace(/[-:T]/g, '');
/** OpenSSH before 9.1 does not read the zone letter; {@link runSshKeygen} makes UTC the zone. */
const withoutZone = (signer: string): string => signer.replace(/(valid-(?:after|before)="\d{8,14})Z"/g, '$1"');
const inItsWords = ({ stderr }: ToolResult): string => (stderr.trim() === '' ? '' : ` (ssh-keygen: ${stderr.trim().split('\n')[0]!.slice(0, 200)})`);

/**
 * A signature of a throw-away key over `x`, known to be good: where ssh-keygen does not accept this one either, it can't judge any,
 * and its "no" is none. ECDSA, because every build has it.
 */
const KNOWN_GOOD = {
  signer: 'probe ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGAjcI4yAxFBZ3s8b9MGXHjkwN0I9iaRbkGchs2LhFMzsgehb5CNgcqwo/sLYDPSViOgfdcLWGPMPl37r4RJLKg=\n',
  signature: `-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAE
EEYCNwjjIDEUFnezxv0wZceOTA3Qj2JpFuQZyGzYuEUzOyB6FvkI2ByrCj+wtgM9JWI6B9
1wtYY8w+XfuvhEksqAAAAA1ydW5ib29rLnByb2JlAAAAAAAAAAZzaGE1MTIAAABlAAAAE2
VjZHNhLXNoYTItbmlzdHAyNTYAAABKAAAAIQCNGrNKgYblzyYKiR2eW5AHmYKWsAzL5msU
ngi2aFI0/QAAACEAppYIMnfqu+sw/kMg8jGfL6cwYNUgtTDb995rCJJeJ1I=
-----END SSH SIGNATURE-----
`,
};

function* expectWorkingTool(): Asking<void> {
  const told = yield { args: ['-Y', 'verify', '-f', 'allowed_signers', '-I', 'probe', '-n', 'runbook.probe', '-Overify-time=20260101000000', '-s', 'sig'], files: { sig: KNOWN_GOOD.signature, allowed_signers: KNOWN_GOOD.signer }, stdin: 'x' };
  if (!told.ok) throw unavailable(`ssh-keygen refuses a signature that is known to be good${inItsWords(told)}`);
}

/** Signs with a private key file, or a public one whose private half the user's ssh-agent holds. @throws SignaturesUnavailable in ssh-keygen's words */
export async function signText(keyFile: string, namespace: SignatureNamespace, text: string): Promise<string> {
  const told = await runSshKeygen({ args: ['-Y', 'sign', '-f', path.resolve(keyFile), '-n', namespace], stdin: text });
  if (!told.ok) throw unavailable(`signing with ${keyFile}${inItsWords(told)}`);
  return told.stdout;
}

/** Makes an ed25519 key pair without a passphrase (FILE, mode 0600, and FILE.pub), for a host or a test; answers with the public line. */
export async function makeKey(file: string, comment: string): Promise<string> {
  const told = await runSshKeygen({ args: ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path.resolve(file)] });
  if (!told.ok) throw unavailable(`making the key ${file}${inItsWords(told)}`);
  return (await readFile(`${path.resolve(file)}.pub`, 'utf8')).trim();
}
