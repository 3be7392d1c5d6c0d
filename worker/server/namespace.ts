/** What a namespace must have before work starts: search attributes and a retention. */
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { ATTRIBUTE_TYPES, type SearchAttributes } from './settings.js';

const DAY_SECONDS = 86_400;

/** Registers what is missing. Throws when an attribute exists with another type, or may not be registered here. */
export async function ensureSearchAttributes(connection: Pick<Connection, 'operatorService'>, namespace: string, wanted: SearchAttributes): Promise<void> {
  const { customAttributes = {} } = await connection.operatorService.listSearchAttributes({ namespace });
  const existing = customAttributes ?? {};
  const wrong = Object.entries(wanted).filter(([name, type]) => name in existing && existing[name] !== ATTRIBUTE_TYPES[type].api);
  if (wrong.length > 0) throw new Error(`Namespace ${namespace}: the search attribute ${wrong[0]![0]} exists with another type; expected ${wrong[0]![1]}. Use another namespace.`);
  const missing = Object.entries(wanted).filter(([name]) => !(name in existing));
  if (missing.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, ATTRIBUTE_TYPES[type].api])) });
  } catch (error) {
    const commands = missing.map(([name, type]) => `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type ${ATTRIBUTE_TYPES[type].cli}`);
    throw new Error(`Namespace ${namespace}: these search attributes are missing and could not be added (${(error as Error).message}); have its administrator run:\n  ${commands.join('\n  ')}`);
  }
}

/** Sets how long closed runs are kept. A development server's own default is one day. */
export async function ensureRetention(connection: Connection, namespace: string, days: number): Promise<void> {
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  if (Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) === days * DAY_SECONDS) return;
  await connection.workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl: msToTs(days * DAY_SECONDS * 1_000) } });
}
