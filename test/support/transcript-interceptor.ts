/**
 * Sandbox code of the transcript: tells every command a workflow gives, during replay too. Commands are taken where an
 * activation ends, as they would go to the server, so nothing the workflow asks for is missed.
 */
import { proxySinks, type Sinks, type WorkflowInterceptors } from '@temporalio/workflow';
import { factsOfCommands } from './transcript-facts.js';

/** Where the facts go; best with `callDuringReplay`. */
export interface TranscriptSink extends Sinks {
  transcript: { emit(facts: string): void };
}

const { transcript } = proxySinks<TranscriptSink>();

export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      concludeActivation(input, next) {
        const output = next(input);
        const facts = factsOfCommands(output.commands);
        if (facts.length > 0) transcript.emit(JSON.stringify(facts));
        return output;
      },
    },
  ],
});
