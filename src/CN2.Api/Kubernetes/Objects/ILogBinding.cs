using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>A kind whose objects are a log: they come and never change, and the change feed has nothing of them.</summary>
internal interface ILogBinding
{
    /// <summary>The objects that came after one moment and up to another, in the order of their transactions.</summary>
    Task<List<(ulong Transaction, BoundObject Object)>> CameAsync(NpgsqlConnection connection, FeedSnapshot after, FeedSnapshot upTo, CancellationToken ct);
}
