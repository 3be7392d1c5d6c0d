/** Words that several of the logs share. */
import { failureReason } from '../fallback-record.js';
import type { FallbackRecord } from '../fallback-record.js';
import { oneLine } from '../text.js';

/** Foreign words on one line; the run's own id is not said a second time, because it marks what was appended. */
export const own = ({ result }: FallbackRecord, words: string, limit?: number): string => oneLine(words.replaceAll(result.run, 'this run'), limit);

export const reasonText = (record: FallbackRecord): string => own(record, failureReason(record));

export const lines = (...all: string[]): string => `${all.join('\n')}\n`;

/** The same within a line of Markdown. */
export const inMarkdown = (text: string): string => text.replace(/[\\`*_[\]<>|#]/g, '\\$&');
