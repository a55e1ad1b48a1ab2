"""Measures programs that request, poll and return machines on the cloud for tests, one against the other.

    on_cloud.py PLAN

PLAN is a file of JSON: `cloud`, its address; `rounds`; `machines`, how many are requested at once; `contenders`, each with
`name`, `account` (its access key), `environment`, `directory`, and the commands `request`, `status` and `return`, in which
`{input}` stands for the file with the input of Host Factory. Their turns alternate, and each command is a cold process.

Prints a line for each contender and operation, with tabs: name, rounds, least and median and 90th percentile of the wall
time, median of the processor time, largest resident set in KiB, calls of AWS. Times are microseconds.
"""

import json
import os
import statistics
import sys
import time
import urllib.request

OPERATIONS = ["request", "poll", "return"]
# Polls until a request is over; a peer needs several.
POLLS = 20


def control(plan, contender, name, body=None):
    """Calls the control interface of the cloud for the account of a contender."""
    data = b"" if body is None else json.dumps(body).encode()
    address = f"{plan['cloud']}/cloud/{name}?tenant={contender['account']}"
    with urllib.request.urlopen(address, data=data) as answer:
        return json.load(answer)


class Run:
    """One process: what it said and what it cost."""

    def __init__(self, plan, contender, operation, question):
        path = os.path.join(contender["directory"], f"{operation}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(question, file)
        command = [path if word == "{input}" else word for word in contender[operation]]
        control(plan, contender, "calls", {"clear": True})
        reader, writer = os.pipe()
        begun = time.perf_counter()
        errors = os.open(os.path.join(contender["directory"], "errors.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        child = os.posix_spawn(command[0], command, contender["environment"], file_actions=[
            (os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_DUP2, errors, 2)])
        os.close(writer)
        os.close(errors)
        with os.fdopen(reader, "rb") as output:
            said = output.read()
        _, status, usage = os.wait4(child, 0)
        self.wall = (time.perf_counter() - begun) * 1e6
        self.cpu = (usage.ru_utime + usage.ru_stime) * 1e6
        self.peak = usage.ru_maxrss
        self.calls = sum(control(plan, contender, "counts").values())
        self.answer = document(said.decode("utf-8", "replace"))
        if status != 0 or self.answer is None:
            sys.exit(f"{contender['name']}: {' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}: "
                     f"{said[-500:]!r}")


def document(text):
    """The JSON document in an output, which may have other lines before it."""
    start = text.find("{")
    try:
        return json.JSONDecoder().raw_decode(text[start:])[0] if start >= 0 else None
    except ValueError:
        return None


def cycle(plan, contender):
    """Requests, polls until all machines run, returns; the runs by operation."""
    wanted = {"template": {"templateId": "bench", "machineCount": plan["machines"]}}
    request = Run(plan, contender, "request", wanted)
    question = {"requests": [{"requestId": request.answer["requestId"]}]}
    for _ in range(POLLS):
        poll = Run(plan, contender, "status", question)
        told = poll.answer["requests"][0]
        if told["status"] != "running":
            break
    if told["status"] != "complete" or len(told["machines"]) != plan["machines"]:
        sys.exit(f"{contender['name']}: {len(told['machines'])} machines, {told['status']}: {told.get('message')}")
    machines = [{"name": one["name"], "machineId": one["machineId"]} for one in told["machines"]]
    back = Run(plan, contender, "return", {"machines": machines})
    states = [one["state"] for one in control(plan, contender, "truth")["machines"]]
    if any(state in ("pending", "running") for state in states):
        sys.exit(f"{contender['name']}: machines are left after their return")
    return {"request": request, "poll": poll, "return": back}


def main():
    """Measures all contenders, and prints."""
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    runs = {}
    for _ in range(plan["rounds"]):
        for contender in plan["contenders"]:
            for operation, run in cycle(plan, contender).items():
                runs.setdefault((operation, contender["name"]), []).append(run)
    # The contenders of an operation stand beside each other.
    for (operation, name), all_of_it in sorted(runs.items(), key=lambda item: OPERATIONS.index(item[0][0])):
        walls = sorted(run.wall for run in all_of_it)
        print(f"{name}, {operation} of {plan['machines']}", len(walls), *(f"{number:.1f}" for number in (
            walls[0], statistics.median(walls), walls[int(len(walls) * 0.9)],
            statistics.median(run.cpu for run in all_of_it))),
            max(run.peak for run in all_of_it), max(run.calls for run in all_of_it), sep="\t")


if __name__ == "__main__":
    main()
