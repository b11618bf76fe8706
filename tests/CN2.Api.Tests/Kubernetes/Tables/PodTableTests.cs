using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Tables;

namespace CN2.Api.Tests.Kubernetes.Tables;

public sealed class PodTableTests
{
    private static readonly TableContext Context = new(new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero), "cluster1");

    [Fact]
    public void A_running_pod_is_printed() => Assert.Equal("web 1/2 Running 2 (60s ago) 60m 10.0.0.1 compute1 <none> 1/2", Print(
        """
        {"metadata":{"name":"web","creationTimestamp":"2026-11-29T11:00:00Z"},
         "spec":{"nodeName":"compute1","containers":[{"name":"a"},{"name":"b"}],"readinessGates":[{"conditionType":"x"},{"conditionType":"y"}]},
         "status":{"phase":"Running","podIPs":[{"ip":"10.0.0.1"}],"conditions":[{"type":"x","status":"True"}],"containerStatuses":[
           {"name":"a","ready":true,"restartCount":2,"state":{"running":{}},"lastState":{"terminated":{"finishedAt":"2026-11-29T11:59:00Z"}}},
           {"name":"b","ready":false,"restartCount":0,"state":{"running":{}}}]}}
        """));

    [Fact]
    public void A_pod_that_nobody_runs_yet_is_pending() =>
        Assert.Equal("web 0/1 Pending 0 <unknown> <none> <none> <none> <none>", Print("""{"metadata":{"name":"web"},"spec":{"containers":[{"name":"a"}]},"status":{"phase":"Pending"}}"""));

    [Theory]
    [InlineData("""{"status":{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff"}}}]}}""", "ImagePullBackOff")]
    [InlineData("""{"status":{"phase":"Failed","containerStatuses":[{"state":{"terminated":{"exitCode":2}}}]}}""", "ExitCode:2")]
    [InlineData("""{"status":{"phase":"Failed","containerStatuses":[{"state":{"terminated":{"exitCode":137,"signal":9}}}]}}""", "Signal:9")]
    [InlineData("""{"status":{"phase":"Failed","reason":"Evicted"}}""", "Evicted")]
    [InlineData("""{"status":{"phase":"Running","containerStatuses":[{"state":{"terminated":{"reason":"Completed"}}},{"ready":true,"state":{"running":{}}}]}}""", "NotReady")]
    [InlineData("""{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"state":{"terminated":{"reason":"Completed"}}},{"ready":true,"state":{"running":{}}}]}}""", "Running")]
    [InlineData("""{"metadata":{"deletionTimestamp":"2026-11-29T11:00:00Z"},"status":{"phase":"Running"}}""", "Terminating")]
    [InlineData("""{"metadata":{"deletionTimestamp":"2026-11-29T11:00:00Z"},"status":{"phase":"Succeeded"}}""", "Succeeded")]
    [InlineData("""{"metadata":{"deletionTimestamp":"2026-11-29T11:00:00Z"},"status":{"phase":"Running","reason":"NodeLost"}}""", "Unknown")]
    [InlineData("""{"status":{"phase":"Pending","conditions":[{"type":"PodScheduled","reason":"SchedulingGated"}]}}""", "SchedulingGated")]
    [InlineData("""{"spec":{"initContainers":[{"name":"i"},{"name":"j"}]},"status":{"phase":"Pending","initContainerStatuses":[{"state":{"terminated":{"exitCode":0}}},{"state":{"running":{}}}]}}""", "Init:1/2")]
    [InlineData("""{"spec":{"initContainers":[{"name":"i"}]},"status":{"phase":"Pending","initContainerStatuses":[{"state":{"terminated":{"exitCode":1,"reason":"Error"}}}]}}""", "Init:Error")]
    [InlineData("""{"spec":{"initContainers":[{"name":"i"}]},"status":{"phase":"Pending","initContainerStatuses":[{"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}}""", "Init:CrashLoopBackOff")]
    [InlineData("""{"spec":{"initContainers":[{"name":"i","restartPolicy":"Always"}]},"status":{"phase":"Running","initContainerStatuses":[{"name":"i","started":true,"state":{"running":{}}}]}}""", "Running")]
    public void The_status_is_what_helps_most(string pod, string expected) => Assert.Equal(expected, Cells(pod)[2].ToString());

    private static string Print(string pod) => string.Join(' ', Cells(pod));

    private static TableCell[] Cells(string pod) => PodTable.Layout.Cells(JsonNode.Parse(pod)!.AsObject(), Context);
}
