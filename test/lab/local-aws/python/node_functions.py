"""Runs each execution environment of a Lambda function as a Node process, see bootstrap.mjs."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import lab_clock
from localemu import config
from localemu.services.lambda_.invocation import runtime_executor
from localemu.services.lambda_.invocation.lambda_models import InvocationResult

BOOTSTRAP = str(Path(__file__).with_name("bootstrap.mjs"))
NODE = os.environ["LOCAL_LAMBDA_NODE"]
# Variables of every function in addition to its own, which they override: the address of a proxy, for example.
SHARED_VARIABLES = json.loads(os.environ.get("LOCAL_LAMBDA_ENV", "{}"))
# LocalEmu's variables with the address to which a container reports; Lambda has no such variables.
CONTAINER_VARIABLES = ("LOCALEMU_", "EDGE_PORT", "AWS_LAMBDA_FUNCTION_TIMEOUT", "LAMBDA_RUNTIME_DIR")


class NodeFunction(runtime_executor.RuntimeExecutor):
    """One execution environment: a Node process that processes one invocation after another."""

    def __init__(self, id, function_version):
        super().__init__(id, function_version)
        self.process = None
        self.stopped = False
        # Output while the function's module was loaded: the log of the first invocation begins with it.
        self.early_logs = []
        # Held during an invocation. `stop` is called by another thread, and must not wait for it.
        self.busy = threading.Lock()

    def start(self, env_vars):
        function = self.function_version.config
        self.code = str(function.code.get_unzipped_code_location())
        deployed = {
            name: str(value) for name, value in env_vars.items() if not name.startswith(CONTAINER_VARIABLES)
        }
        # A function sees neither the variables nor the home folder (with its AWS profiles) of the user who runs this.
        self.environment = {
            "PATH": os.defpath,
            "HOME": os.environ["TMPDIR"],
            "TMPDIR": os.environ["TMPDIR"],
            "LANG": "en_US.UTF-8",
            **deployed,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "LAMBDA_TASK_ROOT": self.code,
            **SHARED_VARIABLES,
        }
        with self.busy:
            self.failure = self._spawn()

    def invoke(self, payload, function_timeout=None):
        with self.busy:
            request_id = payload["invoke-id"]
            timeout = self.function_version.config.timeout
            logs = []
            if self.process is None:
                # After a crash, a timeout or a failed init, Lambda starts the runtime again for the next invocation.
                self.failure = self.failure or self._spawn()
            if self.failure is not None:
                (error, logs), self.failure = self.failure, None
                return self._failed(request_id, error, logs)
            self._send(
                {
                    "id": request_id,
                    "arn": payload["invoked-function-arn"],
                    "trace": payload["trace-id"],
                    "payload": payload["payload"] or "{}",
                    "deadline": round((time.time() + timeout) * 1000),
                    "ahead": round(lab_clock.ahead() * 1000),
                }
            )
            try:
                answer = self._answer(logs, timeout)
            except TimeoutError:
                error = {
                    "errorType": "Sandbox.Timedout",
                    "errorMessage": f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds",
                }
                now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                logs.append(f"{now} {request_id} Task timed out after {timeout:.2f} seconds\n\n")
                self._end()
                return self._failed(request_id, error, logs)
            if answer is None:
                error = self._exit_error(request_id)
                logs.append(f"{error['errorMessage']}\n{error['errorType']}\n")
                return self._failed(request_id, error, logs)
            if answer["last"]:
                self._end()
            return self._result(request_id, answer["result"], logs, is_error=answer["error"])

    def stop(self):
        self.stopped = True
        process = self.process
        if process:
            process.kill()
        # The current invocation notices the end of the process, returns its result and leaves the rest to this method.
        with self.busy:
            self._end()

    def _spawn(self):
        """Starts the process. Returns the error of loading the function's module, if any, and the logs of that."""
        if self.stopped:
            return {"errorType": "Runtime.Unknown", "errorMessage": "the execution environment was stopped"}, []
        child_in, self.to_child = os.pipe()
        self.from_child, child_out = os.pipe()
        self.buffer = b""
        memory = self.function_version.config.memory_size
        self.process = subprocess.Popen(
            # A function that exceeds its memory ends here, too.
            [NODE, f"--max-old-space-size={memory * 9 // 10}", BOOTSTRAP, str(child_in), str(child_out)],
            env=self.environment,
            cwd=self.code,
            pass_fds=(child_in, child_out),
            stdin=subprocess.DEVNULL,
            # Output of the process itself when it cannot start or V8 crashes; the handler's output arrives by the pipe.
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
        )
        os.close(child_in)
        os.close(child_out)
        logs = []
        try:
            ready = self._answer(logs, config.LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT)
        except TimeoutError:
            self._end()
            return {"errorType": "Sandbox.Timedout", "errorMessage": "Error: init timed out"}, logs
        if ready is None:
            return self._exit_error(None), logs
        if "initError" in ready:
            self._end()
            return ready["initError"], logs
        self.early_logs = logs
        return None

    def _send(self, message):
        data = memoryview(json.dumps(message).encode() + b"\n")
        try:
            while data:
                data = data[os.write(self.to_child, data) :]
        except BrokenPipeError:
            pass  # It has ended: reading its answer tells how.

    def _answer(self, logs, seconds):
        """The next message of the process, with its output before that added to logs; None if it ended."""
        deadline = time.monotonic() + seconds
        # `select.select` does not support numbers above 1023, and a server with many functions and queues has more files open.
        readable = select.poll()
        readable.register(self.from_child, select.POLLIN)
        while True:
            while b"\n" not in self.buffer:
                left = max(0, deadline - time.monotonic())
                if not readable.poll(left * 1000):
                    raise TimeoutError
                chunk = os.read(self.from_child, 1 << 20)
                if not chunk:
                    return None
                self.buffer += chunk
            line, self.buffer = self.buffer.split(b"\n", 1)
            message = json.loads(line)
            if "log" not in message:
                return message
            logs.append(message["log"])

    def _exit_error(self, request_id):
        """The error that Lambda reports for a process that ended by itself, or was killed."""
        status = self.process.wait()
        self._end()
        if status < 0:
            how = f"Runtime exited with error: signal: {signal.strsignal(-status).lower()}"
        elif status > 0:
            how = f"Runtime exited with error: exit status {status}"
        else:
            how = "Runtime exited without providing a reason"
        message = f"Error: {how}" if request_id is None else f"RequestId: {request_id} Error: {how}"
        return {"errorType": "Runtime.ExitError", "errorMessage": message}

    def _end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            os.close(self.to_child)
            os.close(self.from_child)
            self.process = None

    def _failed(self, request_id, error, logs):
        return self._result(request_id, json.dumps(error), logs, is_error=True)

    def _result(self, request_id, text, logs, is_error):
        all_logs = "".join([*self.early_logs, *logs])
        self.early_logs = []
        return InvocationResult(request_id, text.encode(), is_error=is_error, logs=all_logs)

    # Further methods of LocalEmu's executors: there is no container with an address or logs.

    def get_logs(self):
        return ""

    def get_address(self):
        return "127.0.0.1"

    def get_endpoint_from_executor(self):
        return "127.0.0.1"

    def get_runtime_endpoint(self):
        return ""

    @classmethod
    def validate_environment(cls):
        # Called after the Lambda service has been loaded, which takes a second, at its first use.
        import event_sources

        event_sources.install()
        return True

    @classmethod
    def prepare_version(cls, function_version):
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        pass


def install():
    """Must be called before LocalEmu loads its Lambda service, at the first call to it."""
    runtime_executor.get_runtime_executor = lambda: NodeFunction
