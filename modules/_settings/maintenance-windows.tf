# The times at which rules may change resources. The remediators enforce them by their own clocks.
locals {
  # The maintenance window of each rule that has one: its own, or the default of `schedule`. Schedules and windows share a time zone.
  maintenance_windows = {
    for id, window in { for id, rule in local.rules : id => try(coalesce(rule.maintenance_window, local.schedule.maintenance_window), null) } :
    id => {
      days      = [for day in local.days : day if contains(window.days, day)]
      start     = window.start
      end       = window.end
      time_zone = local.schedule.time_zone
    } if window != null
  }

  # The length of each window, and the interval between polls. A cron expression may be meant to fall within the window, so
  # it counts as frequent enough. An invalid window counts as open for one minute.
  window_minutes = {
    for id, window in local.maintenance_windows : id => try(
      (
        sum([for index, part in regex(local.time_of_day_pattern, window.end) : part * [60, 1][index]])
        -sum([for index, part in regex(local.time_of_day_pattern, window.start) : part * [60, 1][index]])
        + 1439
      ) % 1440 + 1,
    1)
  }
  rates = {
    for id, rule in local.rules : id => try(regex("^rate\\(([0-9]+) (minute|hour|day)", coalesce(rule.schedule_expression, local.schedule.expression)), ["0", "minute"])
  }
  poll_minutes   = { for id, rate in local.rates : id => rate[0] * { minute = 1, hour = 60, day = 1440 }[rate[1]] }
  passed_windows = [for id, minutes in local.window_minutes : id if local.poll_minutes[id] > minutes && !contains(values(local.maintenance_windows[id]), "")]
}

# Warns about rates at which every poll could fall outside the window.
check "maintenance_windows_are_polled" {
  assert {
    condition = length(local.passed_windows) == 0
    error_message = "${join("; ", [
      for id in local.passed_windows :
      "rules[\"${id}\"] is polled every ${local.poll_minutes[id]} minutes, and its maintenance window, ${local.maintenance_windows[id].start} to ${local.maintenance_windows[id].end}, is open for ${local.window_minutes[id]}"
    ])}: a poll may never come while it is open, and then nothing is changed. Poll more often, or by a cron(…) that falls within it."
  }
}
