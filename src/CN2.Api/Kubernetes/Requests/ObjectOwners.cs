using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>
/// Objects that belong to others (<c>metadata.ownerReferences</c>), as Kubernetes' garbage collector treats them: one whose owners are all gone is
/// deleted, a reference to one owner of several that is gone is taken out. An owner of a kind that is not served counts as there.
/// </summary>
internal sealed class ObjectOwners(ObjectBindings bindings, ObjectDeletion deletion)
{
    /// <summary>The finalizers of an owner that waits for the objects that belong to it; the server alone sets and removes them.</summary>
    public const string Foreground = "foregroundDeletion";
    public const string Orphan = "orphan";

    private enum Owner
    {
        There,
        Gone,

        /// <summary>It waits until what belongs to it is deleted.</summary>
        Waits,

        /// <summary>It waits until nothing belongs to it any more.</summary>
        LetsGo,
    }

    /// <summary>Decides about one object, locked before. False: it no longer exists.</summary>
    public async Task<bool> CheckAsync(WriteScope scope, KubernetesObjectRow row, CancellationToken ct)
    {
        if (bindings.Find(row.Resource) is not { } binding) return false;
        if (await binding.LockAsync(scope, row.NamespaceOrNull, row.Name, ct) is not { Kept: { } kept } current || current.Uid != row.Uid) return false;
        // Before the owners are looked at: an owner that is deleted meanwhile waits for this row, and marks it again.
        await scope.ExecuteAsync([KubernetesObjectTable.OwnersChecked(kept.Resource, kept.Uid)], ct);
        var document = (JsonObject)JsonNode.Parse(kept.Document)!;
        if (document["metadata"]?["ownerReferences"] is not JsonArray references) return true;
        var owners = new List<(JsonNode Reference, Owner State)>();
        foreach (var reference in references) owners.Add((reference!, await StateAsync(scope.Connection, kept, reference!, ct)));
        var isLetGo = owners.Exists(o => o.State == Owner.LetsGo);
        var hasOther = owners.Exists(o => o.State == Owner.There);
        if (kept.DeletingAt is null && !hasOther && !isLetGo) return await deletion.AskAsync(scope, binding, kept.NamespaceOrNull, kept.Name, ct);
        // What is being deleted keeps its references, because its owner may wait for it.
        var over = owners.Where(o => o.State == Owner.LetsGo || (hasOther && kept.DeletingAt is null && o.State != Owner.There)).ToList();
        if (over.Count == 0) return true;
        foreach (var (reference, _) in over) references.Remove(reference);
        if (references.Count == 0) ((JsonObject)document["metadata"]!).Remove("ownerReferences");
        await ObjectTransactions.KeepAsync(scope, binding, kept with { Document = document.ToJsonString() }, ChangeVerb.Modified, ct);
        return true;
    }

    /// <summary>Takes the finalizers out of an owner that nothing belongs to any more, so that it can go. False: it still waits.</summary>
    public async Task<bool> ReleaseAsync(WriteScope scope, KubernetesObjectRow owner, CancellationToken ct)
    {
        var document = (JsonObject)JsonNode.Parse(owner.Document)!;
        if (document["metadata"]?["finalizers"] is not JsonArray finalizers || bindings.Find(owner.Resource) is not { } binding) return true;
        var waits = finalizers.Where(f => f!.ToString() is Foreground or Orphan).ToList();
        if (waits.Count == 0) return true;
        if (await binding.LockAsync(scope, owner.NamespaceOrNull, owner.Name, ct) is not { Kept: { } kept } || kept.Document != owner.Document) return false;
        var left = await KubernetesObjectTable.DependentsAsync(scope.Connection, owner.Uid, owner.Namespace, ct);
        if (left.Exists(d => waits.Exists(w => w!.ToString() == Orphan) || Blocks(d, owner.Uid))) return false;
        foreach (var finalizer in waits) finalizers.Remove(finalizer);
        await ObjectTransactions.KeepAsync(scope, binding, kept with { Document = document.ToJsonString() }, ChangeVerb.Modified, ct);
        return true;
    }

    private async Task<Owner> StateAsync(NpgsqlConnection connection, KubernetesObjectRow dependent, JsonNode reference, CancellationToken ct)
    {
        var group = reference["apiVersion"]?.ToString() is { } version && version.LastIndexOf('/') is var slash and >= 0 ? version[..slash] : "";
        if (bindings.All.FirstOrDefault(b => b.Definition.Group == group && b.Definition.Kind == reference["kind"]?.ToString()) is not { } binding) return Owner.There;
        if (binding.Definition.IsNamespaced && dependent.Namespace.Length == 0) return Owner.There; // a reference that cannot be followed decides nothing
        var found = await binding.FindAsync(connection, binding.Definition.IsNamespaced ? dependent.Namespace : null, reference["name"]!.ToString(), ct);
        if (found is null || found.Uid.ToString() != reference["uid"]?.ToString()) return Owner.Gone;
        if (found.Kept is not { DeletingAt: not null } kept) return Owner.There;
        var finalizers = Metadata.FinalizersOf((JsonObject)JsonNode.Parse(kept.Document)!);
        return finalizers.Contains(Orphan) ? Owner.LetsGo : finalizers.Contains(Foreground) ? Owner.Waits : Owner.There;
    }

    private static bool Blocks(KubernetesObjectRow dependent, Guid owner) =>
        JsonNode.Parse(dependent.Document)?["metadata"]?["ownerReferences"] is JsonArray references
        && references.Any(r => r?["uid"]?.ToString() == owner.ToString() && r["blockOwnerDeletion"]?.ToString() == "true");
}
