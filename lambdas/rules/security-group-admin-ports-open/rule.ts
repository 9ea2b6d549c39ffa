import { portOpenRule } from '../factories/security-group-port-open/rule.ts';
import { facts } from './facts.ts';

export const rule = portOpenRule(facts);
