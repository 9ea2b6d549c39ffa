import { describeWindow, isOpen } from '../../model/maintenance-window.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/** The rule has a maintenance window, and it is closed. */
export const maintenanceWindow: Gate = (_finding, { rule, settings, ports }) => {
  const { maintenance_window: window } = settings;
  if (window === undefined || isOpen(window, new Date(ports.clock.now()))) return undefined;
  const reason = `${rule.id} changes nothing outside its maintenance window, ${describeWindow(window)}`;
  return conclude('deferred', { willRetry: true, gate: 'maintenance_window', reason });
};
