import { indexFaults } from './host-index-cases.js';

indexFaults('pip');
