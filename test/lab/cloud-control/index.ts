export { cloudControlCalls } from './calls.ts';
export {
  type CloudControlOptions,
  type CloudControlSimulation,
  type ResourceRequest,
  startCloudControl,
} from './simulation.ts';
