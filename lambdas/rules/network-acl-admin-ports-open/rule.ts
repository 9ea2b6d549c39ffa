import { adminPorts } from '../factories/closed-ports.ts';
import { anyPortOf } from '../factories/network-acl-open/opening.ts';
import { openNetworkAclRule } from '../factories/network-acl-open/rule.ts';
import { facts } from './facts.ts';

export const rule = openNetworkAclRule(facts, anyPortOf(adminPorts));
