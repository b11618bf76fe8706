using System.Text.Json.Nodes;

namespace CN2.Api.Tests.Kubernetes.Requests;

/// <summary>What becomes of objects that belong to others when these are deleted.</summary>
public sealed class OwnerTests(WritesServer api) : IClassFixture<WritesServer>
{
    [Fact]
    public async Task What_belongs_to_an_object_goes_after_it_whichever_door_deletes_it()
    {
        await api.NamespaceAsync("own");
        foreach (var door in (string[])["/v1/namespaces/own/services", "/api/v1/namespaces/own/services"])
        {
            var owner = await OwnerAsync("own", "owner");
            await PodAsync("own", "pod", Reference(owner));
            await PodAsync("own", "other", Reference(owner, kind: "ReplicaSet", version: "apps/v1")); // a kind that is not served decides nothing
            await HealthCheckAsync("own", "check", Reference(owner));
            await Task.Delay(2500, TestContext.Current.CancellationToken); // two looks
            Assert.Equal(200, await StatusAsync("own", "pods/pod"));
            if (door.StartsWith("/v1", StringComparison.Ordinal)) (await api.DeleteAsync($"{door}/owner")).Expect(204);
            else (await api.RemoveAsync($"{door}/owner")).Expect(200);
            await GoneAsync("/api/v1/namespaces/own/pods/pod");
            await GoneAsync("/apis/core.contrail.juniper.net/v1alpha1/namespaces/own/servicehealthchecks/check");
            (await api.RemoveAsync("/api/v1/namespaces/own/pods/other")).Expect(200);
        }
    }

    [Fact]
    public async Task An_object_of_two_owners_stays_and_belongs_to_the_one_that_is_left()
    {
        await api.NamespaceAsync("two");
        var (first, second) = (await OwnerAsync("two", "first"), await OwnerAsync("two", "second"));
        await PodAsync("two", "pod", Reference(first), Reference(second));
        (await api.RemoveAsync("/api/v1/namespaces/two/services/first")).Expect(200);
        await Eventually.TrueAsync(async () => await OwnersOfAsync("two", "pod") is ["second"]);
        (await api.RemoveAsync("/api/v1/namespaces/two/services/second")).Expect(200);
        await GoneAsync("/api/v1/namespaces/two/pods/pod");
    }

    [Fact]
    public async Task An_object_whose_owner_never_was_is_deleted()
    {
        await api.NamespaceAsync("never");
        var owner = await OwnerAsync("never", "owner");
        owner["metadata"]!["uid"] = Guid.NewGuid().ToString();
        await PodAsync("never", "pod", Reference(owner));
        await GoneAsync("/api/v1/namespaces/never/pods/pod");
    }

    [Fact]
    public async Task An_owner_without_a_name_or_uid_is_refused()
    {
        await api.NamespaceAsync("nameless");
        var answer = await api.CreateAsync("/api/v1/namespaces/nameless/services", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "s", ["ownerReferences"] = new JsonArray(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Service", ["name"] = "", ["uid"] = "" }) },
            ["spec"] = new JsonObject { ["ports"] = new JsonArray(new JsonObject { ["port"] = 80 }) },
        });
        Assert.Equal(["metadata.ownerReferences[0].name", "metadata.ownerReferences[0].uid"], answer.Expect(422).Json!["details"]!["causes"]!.AsArray().Select(c => (string?)c!["field"]));
    }

    [Fact]
    public async Task Orphans_stay_and_belong_to_nobody()
    {
        await api.NamespaceAsync("orphans");
        var owner = await OwnerAsync("orphans", "owner");
        await PodAsync("orphans", "pod", Reference(owner));
        (await api.RemoveAsync("/api/v1/namespaces/orphans/services/owner", """{"propagationPolicy":"Orphan"}""")).Expect(200);
        await GoneAsync("/api/v1/namespaces/orphans/services/owner");
        Assert.Empty(await OwnersOfAsync("orphans", "pod"));
        await Task.Delay(2500, TestContext.Current.CancellationToken);
        Assert.Equal(200, await StatusAsync("orphans", "pods/pod"));
    }

    [Fact]
    public async Task A_foreground_deletion_waits_for_what_blocks_it()
    {
        await api.NamespaceAsync("front");
        var owner = await OwnerAsync("front", "owner");
        var blocking = Reference(owner);
        blocking["blockOwnerDeletion"] = true;
        await PodAsync("front", "blocks", blocking, finalizer: "example.org/a");
        await PodAsync("front", "pod", Reference(owner), finalizer: "example.org/a");
        var marked = (await api.RemoveAsync("/api/v1/namespaces/front/services/owner?propagationPolicy=Foreground")).Expect(200);
        Assert.Equal("foregroundDeletion", (string?)marked.Json!["metadata"]!["finalizers"]![0]);
        await Eventually.TrueAsync(async () => await IsMarkedAsync("blocks") && await IsMarkedAsync("pod"));
        await Task.Delay(2500, TestContext.Current.CancellationToken);
        Assert.Equal(200, await StatusAsync("front", "services/owner"));
        (await api.ChangeAsync("/api/v1/namespaces/front/pods/blocks", """{"metadata":{"finalizers":null}}""", WritesServer.Merge)).Expect(200);
        await GoneAsync("/api/v1/namespaces/front/services/owner");
        Assert.Equal(200, await StatusAsync("front", "pods/pod"));

        async Task<bool> IsMarkedAsync(string pod) => (await api.ReadAsync($"/api/v1/namespaces/front/pods/{pod}")).Json!["metadata"]!["deletionTimestamp"] is not null;
    }

    private async Task<JsonObject> OwnerAsync(string ns, string name) => (JsonObject)(await api.CreateAsync(
        $"/api/v1/namespaces/{ns}/services", $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"ports":[{"port":80}]}}""")).Expect(201).Json!;

    private Task PodAsync(string ns, string name, params JsonObject[] owners) => CreateAsync(ns, name, "pods", owners, null, """{"containers":[{"name":"c","image":"nginx"}]}""");

    private Task PodAsync(string ns, string name, JsonObject owner, string finalizer) => CreateAsync(ns, name, "pods", [owner], finalizer, """{"containers":[{"name":"c","image":"nginx"}]}""");

    private Task HealthCheckAsync(string ns, string name, JsonObject owner) => CreateAsync(ns, name, "servicehealthchecks", [owner], null, """{"serviceHealthCheckProperties":{"monitorType":"TCP","delay":2,"timeout":5,"maxRetries":5,"port":80}}""");

    private async Task CreateAsync(string ns, string name, string plural, JsonObject[] owners, string? finalizer, string spec)
    {
        var metadata = new JsonObject { ["name"] = name, ["ownerReferences"] = new JsonArray([.. owners]) };
        if (finalizer is not null) metadata["finalizers"] = new JsonArray(finalizer);
        var door = plural == "pods" ? "/api/v1" : "/apis/core.contrail.juniper.net/v1alpha1";
        (await api.CreateAsync($"{door}/namespaces/{ns}/{plural}", new JsonObject { ["metadata"] = metadata, ["spec"] = JsonNode.Parse(spec) })).Expect(201);
    }

    private static JsonObject Reference(JsonObject owner, string kind = "Service", string version = "v1") => new()
    {
        ["apiVersion"] = version,
        ["kind"] = kind,
        ["name"] = (string?)owner["metadata"]!["name"],
        ["uid"] = (string?)owner["metadata"]!["uid"],
    };

    private async Task<int> StatusAsync(string ns, string path) => (await api.ReadAsync($"/api/v1/namespaces/{ns}/{path}")).Status;

    private async Task<string[]> OwnersOfAsync(string ns, string pod) =>
        [.. ((await api.ReadAsync($"/api/v1/namespaces/{ns}/pods/{pod}")).Expect(200).Json!["metadata"]!["ownerReferences"] as JsonArray ?? []).Select(r => (string)r!["name"]!)];

    private Task GoneAsync(string path) => Eventually.TrueAsync(async () => (await api.ReadAsync(path)).Status == 404);
}
