using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Schemas;
using CN2.Network.Selection;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>The objects of one kind, as lists and watches read them. Every object has apiVersion, kind, metadata.uid and metadata.resourceVersion.</summary>
internal interface IObjectReader
{
    ResourceDefinition Resource { get; }

    /// <summary>A change may be about objects of this kind.</summary>
    bool Follows(ChangeRow change);

    /// <summary>
    /// The objects that are made of resources with these uids, each with the uid whose changes are its own, without those that no longer exist. Their
    /// versions are not newer than they are.
    /// </summary>
    Task<IReadOnlyList<(Guid Changed, JsonObject Object)>> LoadAsync(IReadOnlyCollection<Guid> uids, CancellationToken ct);

    /// <summary>
    /// Of a kind that is a log: the objects that came after one moment and up to another, each with its transaction. Null: the feed has the changes of
    /// the kind.
    /// </summary>
    Task<IReadOnlyList<(ulong Transaction, JsonObject Object)>?> CameAsync(FeedSnapshot after, FeedSnapshot upTo, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<(ulong, JsonObject)>?>(null);

    /// <summary>The last state of a deleted object.</summary>
    JsonObject LastOf(ChangeRow deletion);

    /// <summary>The next objects of a namespace, or of all that the caller may see. No connection to the database is held afterwards.</summary>
    /// <param name="scope">Where they are.</param>
    /// <param name="labels">Leaves out objects that do not match, if it is cheap; the caller looks again.</param>
    /// <param name="after">Where the page before ended; null: at the beginning.</param>
    /// <param name="most">At most so many.</param>
    /// <param name="ct">Ends the reading.</param>
    Task<ListedObjects> ReadAsync(NamespaceScope scope, LabelSelector labels, (string Namespace, string Name)? after, int most, CancellationToken ct);

    /// <summary>The same without a selector, as JSON, of <see cref="HeldObjects"/>; null: the objects are not held.</summary>
    Task<HeldPage?> HeldAsync(NamespaceScope scope, (string Namespace, string Name)? after, int most, bool mayRead, CancellationToken ct) => Task.FromResult<HeldPage?>(null);
}
