/** Every workflow by name: what is listed here can be started by name, and nothing else. */
export { decision } from './decision.js';
export { emergencyException } from './emergency-exception.js';
export { acceptHost } from './accept-host.js';
export { environmentChange } from './environment-change.js';
export { environmentTidy } from './environment-tidy.js';
export { environmentUndo } from './environment-undo.js';
export { hostWatch } from './host-watch.js';
export { interpreterChange } from './interpreter-change.js';
export { notifyRoles } from './notify-roles.js';
export { planChange } from './plan-change.js';
export { policyReminders } from './policy-reminders.js';
export { recordStatement } from './record-statement.js';
export { wheelFallback } from './wheel-fallback.js';
