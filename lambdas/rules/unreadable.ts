import { z } from 'zod';
import type { Rule } from './rule.ts';

/** Stands for a declared rule whose declaration can't be read. */
export function unreadableRule(id: string, cause: Error): Rule {
  return {
    id,
    title: id,
    legacyId: id,
    resourceType: '',
    scope: 'regional',
    regionFrom: 'finding',
    severity: 'low',
    resourceId: z.string(),
    options: z.unknown(),
    permissions: { read: [], write: [], undo: [] },
    documentation: { control: '', finds: '', changes: '', neverTouches: '', undo: '' },
    assess: () => Promise.reject(cause),
  };
}
