import { testEveryCall } from '../harness/every-call.ts';

await testEveryCall('security-group-ssh-open', 'thorough');
