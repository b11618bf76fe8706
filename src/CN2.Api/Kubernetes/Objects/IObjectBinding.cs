using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Writes;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>
/// One kind of the Kubernetes API over the store of its resource. Everything that is the same for all kinds (patches, field managers, versions,
/// finalizers, the table <c>kubernetes_object</c>, errors, forms) is done around it. <c>ResourceBinding</c> is the base for kinds with one resource.
/// </summary>
internal interface IObjectBinding
{
    /// <summary>What discovery says. Only verbs named there are ever asked of the binding.</summary>
    ResourceDefinition Definition { get; }

    ObjectMapping Mapping { get; }

    /// <summary>The kind whose changes in the feed are those of the objects; null: there are none.</summary>
    ResourceKind? Kind { get; }

    /// <summary>Each object is one resource of <see cref="Kind"/>, and <see cref="Mapping"/> makes the object of it.</summary>
    bool IsResource => false;

    /// <summary>An object that has a resource is that one resource of <see cref="Kind"/>, with its uid; others live alone.</summary>
    bool MayBeResource => IsResource;

    /// <summary>Paths such as <c>spec.clusterIP</c> that keep their value once they have one; of a list its items do.</summary>
    IReadOnlyList<string> Immutable => [];

    /// <summary>The name of the object of a resource, as GET of <c>/v1</c> answers it.</summary>
    string NameOf(JsonObject resource) => resource["name"]!.GetValue<string>();

    /// <summary>What the validator of the resource finds in an object, by the object's paths. By default nothing: the write itself says it.</summary>
    IEnumerable<(string Path, string Message)> FaultsOf(ObjectDraft draft, bool isNew) => [];

    /// <summary>Which changes of an object are refused, beside those of <see cref="Immutable"/>. Writes of subresources are not asked about.</summary>
    /// <param name="shown">The object as clients see it.</param>
    /// <param name="updated">What shall take its place.</param>
    IEnumerable<(string Path, string Message)> FaultsOfChange(JsonObject shown, JsonObject updated) => [];

    /// <summary>The object of this name, as the connection's transaction sees it.</summary>
    /// <param name="connection">The connection to read on.</param>
    /// <param name="ns">Of the path; null: the kind is cluster-scoped.</param>
    /// <param name="name">Of the path.</param>
    /// <param name="ct">Ends the query.</param>
    Task<BoundObject?> FindAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct);

    /// <summary>Objects in the order of namespace and name, at most <see cref="ObjectRange.Most"/>, or fewer when they are large.</summary>
    Task<ObjectPage> ListAsync(CN2DbContext db, ObjectRange range, CancellationToken ct);

    /// <summary>The same objects by uid, without those that no longer exist, for watches.</summary>
    Task<IReadOnlyList<BoundObject>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken ct);

    /// <summary>The object, locked until the transaction ends.</summary>
    Task<BoundObject?> LockAsync(WriteScope scope, string? ns, string name, CancellationToken ct);

    Task<ObjectOutcome> CreateAsync(WriteScope scope, ObjectDraft draft, CancellationToken ct);

    /// <param name="scope">The transaction.</param>
    /// <param name="current">What <see cref="LockAsync"/> has answered in it.</param>
    /// <param name="draft">What takes its place.</param>
    /// <param name="ct">Ends the statements.</param>
    Task<ObjectOutcome> ReplaceAsync(WriteScope scope, BoundObject current, ObjectDraft draft, CancellationToken ct);

    /// <summary>Objects of a namespace that may live alone.</summary>
    int MostAlone => Limits.WaitingObjects;

    /// <summary>
    /// The refusal of a caller who may not delete an object, asked before it is marked: what is marked goes later, when nobody asks who wanted it. Null: it may.
    /// </summary>
    Task<ApiProblem?> RefusalOfDeletionAsync(WriteScope scope, BoundObject current, CancellationToken ct) => Task.FromResult<ApiProblem?>(null);

    /// <summary>Deletes an object without finalizers. What is in use is refused (in-use); then it is marked, waits, and is tried again.</summary>
    Task<ObjectOutcome> DeleteAsync(WriteScope scope, BoundObject current, CancellationToken ct);

    /// <summary>
    /// Writes a subresource. <c>status</c>: the draft is the whole object with the new status; by default the server alone sets it, and the object
    /// stays as it is. Others, such as <c>pods/binding</c>: the draft is what was posted.
    /// </summary>
    Task<ObjectOutcome> ReplaceSubresourceAsync(WriteScope scope, string subresource, BoundObject current, ObjectDraft draft, CancellationToken ct) =>
        Task.FromResult<ObjectOutcome>(new ObjectOutcome.Stored(current, IsKept: true));
}
