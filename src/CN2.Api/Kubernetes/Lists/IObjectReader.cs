using System.Text.Json.Nodes;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Schemas;
using CN2.Network.Selection;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>The objects of one kind, as lists and watches read them. Every object has apiVersion, kind, metadata.uid and metadata.resourceVersion.</summary>
internal interface IObjectReader
{
    ResourceDefinition Resource { get; }

    /// <summary>The object that a change is about; null: none of this kind.</summary>
    Guid? ObjectOf(ChangeRow change);

    /// <summary>Objects by uid, without those that no longer exist. Their versions are not newer than they are.</summary>
    Task<IReadOnlyList<JsonObject>> LoadAsync(IReadOnlyCollection<Guid> uids, CancellationToken ct);

    /// <summary>The last state of a deleted object; null: it was none of this kind.</summary>
    JsonObject? LastOf(ChangeRow deletion);

    /// <summary>The next objects of a namespace, or (null) of all. No connection to the database is held afterwards.</summary>
    /// <param name="ns">Of the path.</param>
    /// <param name="labels">Leaves out objects that do not match, if it is cheap; the caller looks again.</param>
    /// <param name="after">Where the page before ended; null: at the beginning.</param>
    /// <param name="most">At most so many.</param>
    /// <param name="ct">Ends the reading.</param>
    Task<ListedObjects> ReadAsync(string? ns, LabelSelector labels, (string Namespace, string Name)? after, int most, CancellationToken ct);
}
