/** Whether people can fill the stages of an approval. One person fills one place, whatever roles they have. */
import type { ApprovalStage } from './model-approval.js';

/** Stages of a rule of the policy: a number means so many of the CAB, and 0 that none is needed. */
export function stagesOf(rule: number | ApprovalStage[]): ApprovalStage[] {
  if (typeof rule === 'number') return rule === 0 ? [] : [{ role: 'cab', quorum: rule }];
  return rule;
}

/** `2 of cab, 1 of security`. */
export const stagesText = (stages: ApprovalStage[]): string => stages.map(({ role, quorum }) => `${quorum} of ${role}`).join(', ');

/** Who could take a place in each stage: names by role. */
export type Voters = (role: string) => string[];

/** True when everybody voting for the stage they are needed in fills every stage (a matching of people to places). */
export function canFill(stages: ApprovalStage[], voters: Voters): boolean {
  const places = stages.flatMap(({ role, quorum }) => Array.from({ length: quorum }, () => [...new Set(voters(role))]));
  const placeOf = new Map<string, number>();
  const seat = (place: number, asked: Set<string>): boolean =>
    places[place]!.some((person) => {
      if (asked.has(person)) return false;
      asked.add(person);
      const taken = placeOf.get(person);
      if (taken !== undefined && !seat(taken, asked)) return false;
      placeOf.set(person, place);
      return true;
    });
  return places.every((_, place) => seat(place, new Set()));
}

/** People of whom one, as the requester, would leave a stage without its quorum; null as first: it is short even with everybody. */
export function requestersThatBlock(stages: ApprovalStage[], voters: Voters): (string | null)[] {
  if (!canFill(stages, voters)) return [null];
  const everybody = [...new Set(stages.flatMap(({ role }) => voters(role)))];
  return everybody.filter((requester) => !canFill(stages, (role) => voters(role).filter((it) => it !== requester)));
}
