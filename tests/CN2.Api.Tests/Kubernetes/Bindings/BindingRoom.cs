using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Versions;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Kubernetes.Kinds;
using CN2.Api.Writes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Kubernetes.Bindings;

/// <summary>Writes objects through their bindings, each in a transaction of its own, and keeps what a binding does not.</summary>
internal sealed class BindingRoom(ApiServer api)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public IObjectBinding Of(string kind, string? version = null) =>
        api.Services.GetRequiredService<ObjectBindings>().All.First(b => b.Definition.Kind == kind && (version is null || b.Definition.Version == version));

    /// <summary>Creates or replaces the object of a manifest.</summary>
    public Task<ObjectOutcome> ApplyAsync(string yaml)
    {
        var (_, source, definition) = Manifests.Object(yaml);
        return ApplyAsync(Of(definition.Kind, definition.Version), source);
    }

    public Task<ObjectOutcome> ApplyAsync(IObjectBinding binding, JsonObject source, string? subresource = null) => RunAsync(async (scope, ct) =>
    {
        var (ns, name) = (binding.Definition.IsNamespaced ? source["metadata"]!["namespace"]!.ToString() : null, source["metadata"]!["name"]!.ToString());
        var current = await binding.LockAsync(scope, ns, name, ct);
        var draft = new ObjectDraft(ns, name, source);
        var outcome = current is null ? await binding.CreateAsync(scope, draft, ct)
            : subresource is null ? await binding.ReplaceAsync(scope, current, draft, ct) : await binding.ReplaceSubresourceAsync(scope, subresource, current, draft, ct);
        if (outcome is not ObjectOutcome.Stored { IsKept: false } stored) return outcome;
        binding.Mapping.Hide(source);
        await scope.SaveAsync(ct);
        await scope.ExecuteAsync(
            [KubernetesObjectTable.Write([new KubernetesObjectRow(binding.Definition.QualifiedName, stored.Object.Uid, ns ?? "", name, source.ToJsonString(), stored.Object.Resource is null, 1, scope.Now, null, ByOperator: true)])], ct);
        return outcome;
    });

    public async Task<ObjectOutcome> DeleteAsync(string kind, string? ns, string name)
    {
        var binding = Of(kind);
        return await RunAsync(async (scope, ct) =>
        {
            var current = await binding.LockAsync(scope, ns, name, ct);
            Assert.NotNull(current);
            var outcome = await binding.DeleteAsync(scope, current, ct);
            if (outcome is ObjectOutcome.Gone) await scope.ExecuteAsync([KubernetesObjectTable.Delete(binding.Definition.QualifiedName, current.Uid)], ct);
            return outcome;
        });
    }

    /// <summary>The object as clients see it; null: there is none.</summary>
    public async Task<JsonObject?> GetAsync(string kind, string? ns, string name, string? version = null)
    {
        var binding = Of(kind, version);
        await using var db = await api.Services.GetRequiredService<IDbContextFactory<CN2DbContext>>().CreateDbContextAsync(Ct);
        return await binding.FindAsync(await db.OpenSqlAsync(Ct), ns, name, Ct) is { } found ? ShownObject.Of(binding, found, ResourceVersion.Of(DateTimeOffset.UnixEpoch, 1)) : null;
    }

    /// <summary>The names of all objects, read in pages of <paramref name="most"/>; each is also loaded by its uid.</summary>
    public async Task<List<string>> ListAsync(string kind, string? ns, int most = 2)
    {
        var binding = Of(kind);
        var names = new List<string>();
        await using var db = await api.Services.GetRequiredService<IDbContextFactory<CN2DbContext>>().CreateDbContextAsync(Ct);
        (string, string)? after = null;
        do
        {
            var page = await binding.ListAsync(db, new ObjectRange(ns, null, after, most), Ct);
            names.AddRange(page.Items.Select(i => i.Name));
            if (binding.Kind is not null) Assert.Superset(page.Items.Select(i => i.Name).ToHashSet(), (await binding.LoadAsync(db, [.. page.Items.SelectMany(i => new[] { i.Uid, i.VersionUid ?? i.Uid })], Ct)).Select(i => i.Name).ToHashSet());
            after = page.Next;
        }
        while (after is not null);
        return names;
    }

    public async Task NamespaceAsync(string name) => (await api.PutAsync($"/v1/namespaces/{name}", "{}")).Expect(201);

    private Task<ObjectOutcome> RunAsync(Func<WriteScope, CancellationToken, Task<ObjectOutcome>> decide) =>
        api.Services.GetRequiredService<TransactionRunner>().RunAsync(async (scope, ct) =>
        {
            scope.Rights = CallerRights.All;
            var outcome = await decide(scope, ct);
            if (outcome is ObjectOutcome.Refused or ObjectOutcome.InUse) scope.Discard();
            return outcome;
        }, Ct);
}
