using Npgsql;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>
/// A kind of which there are many, and of which every change of an object is in the feed: what was written of an object is written again as long as its
/// version is the same (<c>WrittenObjects</c>).
/// </summary>
internal interface IIdentifiedBinding : IObjectBinding
{
    /// <summary>The objects of <see cref="IObjectBinding.ListAsync"/> without their contents, in the same order.</summary>
    /// <param name="connection">The connection to read on.</param>
    /// <param name="range">Its selector is not looked at.</param>
    /// <param name="ct">Ends the query.</param>
    Task<List<ObjectIdentity>> IdentitiesAsync(NpgsqlConnection connection, ObjectRange range, CancellationToken ct);
}
