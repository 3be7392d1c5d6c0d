/** Every workflow by name: what is listed here can be started by name, and nothing else. */
export { environmentChange } from './environment-change.js';
export { environmentUndo } from './environment-undo.js';
export { hostWatch } from './host-watch.js';
export { planChange } from './plan-change.js';
export { wheelFallback } from './wheel-fallback.js';
