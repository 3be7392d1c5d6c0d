/** What `policy check` refuses of people, keys, roles and deputies: a signature must have one owner, and every quorum people who can reach it. */
import type { Person, SignerKey, Signers } from './files/people.js';
import type { PolicyFile } from './files/policy-file.js';
import type { ApprovalStage } from './model-approval.js';
import type { Objection } from './model.js';
import { requestersThatBlock, stagesOf, stagesText } from './quorum.js';
import { fingerprintOf, keyProblem } from './ssh-key.js';

/** Everything wrong with who may sign what; empty: nothing. */
export function signersProblems(policy: PolicyFile): Objection[] {
  return [...peopleProblems(policy), ...quorumProblems(policy)];
}

/** Without the quorums: also right for a host's own signers file. */
export function peopleProblems(signers: Signers): Objection[] {
  return [...keyProblems(signers), ...sharedKeys(signers), ...roleProblems(signers), ...signers.deputies.flatMap((_, index) => deputyProblems(signers, index))];
}

function keyProblems({ people }: Signers): Objection[] {
  return keysOf(people).flatMap(({ place, key }) => {
    const problem = keyProblem(key.key);
    const shape = problem === null ? [] : [refuse(place, 'a key by itself, whole and of its own type', problem, 'paste the line of the .pub file again, or make a new key (ssh-keygen -t ed25519)')];
    return [...shape, ...timeProblems(place, key)];
  });
}

function timeProblems(place: string, { validFrom, validUntil, revoked }: SignerKey): Objection[] {
  const isReversed = validFrom !== undefined && validUntil !== undefined && !(Date.parse(validFrom) < Date.parse(validUntil));
  const neverValid = validFrom !== undefined && revoked !== undefined && !(Date.parse(validFrom) < Date.parse(revoked));
  return [
    ...(isReversed ? [refuse(place, 'validFrom before validUntil', `${validFrom} to ${validUntil}`, 'correct the instants, or remove the key')] : []),
    ...(neverValid ? [refuse(place, 'validFrom before revoked', `${validFrom}, revoked ${revoked}`, 'correct the instants, or remove the key')] : []),
  ];
}

/** By blob: another comment, or other bits after the last byte, make no other key. */
function sharedKeys({ people }: Signers): Objection[] {
  const byFingerprint = new Map<string, { person: string; place: string }[]>();
  for (const { person, place, key } of keysOf(people)) {
    const fingerprint = fingerprintOf(key.key);
    byFingerprint.set(fingerprint, [...(byFingerprint.get(fingerprint) ?? []), { person, place }]);
  }
  return [...byFingerprint].filter(([, owners]) => owners.length > 1).map(([fingerprint, owners]) =>
    refuse(owners.map(({ place }) => place).join(' and '), 'a key of one person, once', `${fingerprint} of ${[...new Set(owners.map(({ person }) => person))].join(' and ')}`, 'give everybody a key of their own; one key is one identity'));
}

function keysOf(people: Record<string, Person>): { person: string; place: string; key: SignerKey }[] {
  return Object.entries(people).flatMap(([person, { keys }]) => keys.map((key, index) => ({ person, place: `people.${person}.keys[${index}]`, key })));
}

function roleProblems({ people, roles }: Signers): Objection[] {
  return Object.entries(roles).flatMap(([role, names]) => {
    const place = `roles.${role}`;
    const unknown = names.filter((name) => !Object.hasOwn(people, name));
    const twice = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
    return [
      ...unknown.map((name) => refuse(place, known(people), name, `add ${name} under people, or remove the name`)),
      ...twice.map((name) => refuse(place, 'everybody once', `${name} twice`, 'remove one of the two')),
    ];
  });
}

function deputyProblems(signers: Signers, index: number): Objection[] {
  const { people, roles, deputies } = signers;
  const { role, for: principal, by, from, until } = deputies[index]!;
  const place = `deputies[${index}]`;
  const members = Object.hasOwn(roles, role) ? roles[role]! : null;
  const problems: Objection[] = [...new Set([principal, by])].filter((name) => !Object.hasOwn(people, name)).map((name) => refuse(place, known(people), name, `add ${name} under people, or remove the deputy`));
  if (members === null) problems.push(refuse(place, `one of the roles ${Object.keys(roles).join(', ') || '(there are none)'}`, role, `add ${role} under roles, or correct the name`));
  else if (!members.includes(principal)) problems.push(refuse(place, `somebody with the role ${role}: ${members.join(', ') || 'there is nobody'}`, principal, 'a deputy stands in for who has the role themselves'));
  if (principal === by) problems.push(refuse(place, 'two people', `${by} for ${principal}`, 'name somebody else to stand in'));
  if (!(Date.parse(from) < Date.parse(until))) problems.push(refuse(place, 'from before until', `${from} to ${until}`, 'correct the instants'));
  return problems;
}

/**
 * Each rule with the requester taken out of its people, whoever that is; who has no key can't vote. Only once the policy names people:
 * before, nobody can vote at all.
 */
function quorumProblems(policy: PolicyFile): Objection[] {
  if (Object.keys(policy.people).length === 0) return [];
  const hasKey = (name: string): boolean => Object.hasOwn(policy.people, name) && policy.people[name]!.keys.some((key) => !key.compromised);
  const voters = (role: string): string[] => (Object.hasOwn(policy.roles, role) ? policy.roles[role]!.filter(hasKey) : []);
  return rulesOf(policy).flatMap(({ place, stages }) => {
    const blocking = requestersThatBlock(stages, voters);
    if (blocking.length === 0) return [];
    const roles = [...new Set(stages.map(({ role }) => role))];
    const got = roles.map((role) => `${role}: ${voters(role).join(', ') || 'nobody'}`).join('; ');
    const who = blocking[0] === null ? '' : `, which is too few when ${blocking.join(' or ')} asks`;
    return [refuse(place, `people with keys who reach ${stagesText(stages)} without the requester, each in one place`, `${got}${who}`, 'add people to the role, or ask for fewer')];
  });
}

function rulesOf(policy: PolicyFile): { place: string; stages: ApprovalStage[] }[] {
  const classes = [...Object.entries(policy.hostClasses).map(([name, rules]) => ({ place: `hostClasses.${name}`, rules })), { place: 'defaultClass', rules: policy.defaultClass }];
  return [
    ...classes.flatMap(({ place, rules }) => (['change', 'fallback', 'rollback'] as const).map((kind) => ({ place: `${place}.approvals.${kind}`, stages: stagesOf(rules.approvals[kind]) }))),
    { place: 'exception.grantedBy', stages: policy.exception.grantedBy },
    ...policy.interpreterChange.steps.map(({ name, stages }, index) => ({ place: `interpreterChange.steps[${index}] (${name})`, stages })),
    { place: 'policyRevision.stages', stages: policy.policyRevision.stages },
  ].filter(({ stages }) => stages.length > 0);
}

const known = (people: Record<string, Person>): string => `one of the people ${Object.keys(people).join(', ') || '(there are none)'}`;
const refuse = (what: string, expected: string, got: string, wayOut: string): Objection => ({ what, expected, got, wayOut });
