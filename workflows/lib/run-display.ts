/** Where people look: search attributes, the Web UI's details, and the run that ordered this one. */
import { getExternalWorkflowHandle, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { describe, detailsMarkdown, type RunState } from '../../policy/describe.js';
import { progressSignal } from '../messages.js';

const PHASE = defineSearchAttributeKey('RunbookPhase', 'KEYWORD');
const OUTCOME = defineSearchAttributeKey('RunbookOutcome', 'KEYWORD');
const WAITS_FOR = defineSearchAttributeKey('RunbookWaitsFor', 'KEYWORD_LIST');

export class RunDisplay {
  private shown = '';
  /** The run that ordered this one does not answer any more: it says its own end. */
  isOrphan = false;

  /** `parent`: workflow id of the run that ordered this change. */
  constructor(private readonly parent: string | null) {}

  show(state: RunState): void {
    const { phase } = describe(state);
    setCurrentDetails(detailsMarkdown(state));
    const { waitsFor, outcome } = state;
    const shown = `${phase} ${waitsFor?.what} ${outcome}`;
    // An upsert is an event in history: only what changed is said.
    if (shown !== this.shown) {
      upsertSearchAttributes([{ key: PHASE, value: phase }, { key: WAITS_FOR, value: waitsFor ? [waitsFor.what] : null }, ...(outcome ? [{ key: OUTCOME, value: outcome }] : [])]);
    }
    this.shown = shown;
    // Once a step, when it begins: what ended before it is told with it, and the end comes with the result.
    if (this.parent && state.step !== null) this.tellParent(this.parent, state);
  }

  private tellParent(parent: string, { steps, step, waitsFor, decision }: RunState): void {
    // The run that ordered this change may have been ended from outside: the change goes on, and says its own end.
    getExternalWorkflowHandle(parent).signal(progressSignal, { steps, step, waitsFor, ...(decision ? { decision } : {}) }).catch(() => (this.isOrphan = true));
  }
}
