using System.Text.Json.Nodes;
using CN2.Api.Audit;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Writes;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>What the audit log has of a write of the Kubernetes API: of an object that is a resource of <c>/v1</c> the same as if that had been written there.</summary>
internal static class ObjectAudit
{
    /// <summary>Members of an object whose changes are named when its resource stays as it is.</summary>
    private static readonly string[] Compared = ["spec", "status", "data"];

    private static readonly string[] ComparedMetadata = ["labels", "annotations", "finalizers", "ownerReferences"];

    /// <summary>The word of an entry for a kind, and for what is written of it.</summary>
    public static AuditedResource NameOf(IObjectBinding binding, string? subresource) => new(CollectionOf(binding, hasResource: false) ?? binding.Definition.QualifiedName, subresource);

    /// <summary>Remembers what a transaction writes, for <see cref="Add"/>.</summary>
    /// <param name="scope">The transaction.</param>
    /// <param name="binding">Of the object.</param>
    /// <param name="written">As it is now, or is deleted.</param>
    /// <param name="kept">What is kept of it.</param>
    /// <param name="shown">As it was before an update; null: it is new, or is deleted.</param>
    /// <param name="updated">What has taken its place.</param>
    public static void Note(WriteScope scope, IObjectBinding binding, BoundObject written, KubernetesObjectRow? kept, JsonObject? shown, JsonObject? updated)
    {
        var collection = CollectionOf(binding, written.Resource is not null);
        var resource = collection is null ? null : written.Resource;
        var generation = (long?)resource?["generation"] ?? kept?.Generation;
        var (ns, name) = resource is null ? (written.Namespace, written.Name) : ((string?)resource["namespace"], (string)resource["name"]!);
        scope.Audit.Subject = new AuditSubject(collection ?? binding.Definition.QualifiedName, ns, name, written.Uid, generation);
        scope.Audit.SubjectChanges = [];
        if (shown is null || updated is null) return;
        scope.Audit.SubjectChanges = resource is null ? [] : scope.Audit.ChangesOf(written.Uid, generation ?? 0, () => resource);
        if (scope.Audit.SubjectChanges.Count == 0) scope.Audit.SubjectChanges = FieldChanges.Of(Part(shown), Part(updated));
    }

    /// <summary>Adds the entry of a transaction that was not refused.</summary>
    public static void Add(WriteScope scope, AuditOrigin origin, int status) =>
        scope.Audit.Add(new AuditEntry(origin, scope.Now, scope.Audit.Subject ?? AuditSubject.Of(origin.Target), status) { Changes = scope.Audit.SubjectChanges });

    /// <summary>The collection of <c>/v1</c> that an object is of; null: it is no resource of <c>/v1</c>.</summary>
    private static string? CollectionOf(IObjectBinding binding, bool hasResource) =>
        binding.Kind is { } kind && (binding.IsResource || (hasResource && binding.MayBeResource)) ? kind.Collection() : null;

    private static JsonObject Part(JsonObject whole)
    {
        var part = new JsonObject { ["metadata"] = new JsonObject() };
        foreach (var member in Compared) part[member] = whole[member]?.DeepClone();
        foreach (var member in ComparedMetadata) part["metadata"]![member] = whole["metadata"]?[member]?.DeepClone();
        return part;
    }
}
