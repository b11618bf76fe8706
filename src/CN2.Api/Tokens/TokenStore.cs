using CN2.Api.Authorization;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Writes;
using CN2.Network.Resources;
using CN2.Network.Status;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Tokens;

/// <summary>Reads and writes the rows of API tokens; each method is one decision inside <see cref="WritePipeline"/>'s transaction.</summary>
public sealed class TokenStore(TimeProvider time)
{
    public TokenResource ToResource(ApiTokenRow row) => new()
    {
        Name = row.Name,
        Uid = row.Uid,
        Labels = row.Labels,
        Annotations = row.Annotations,
        Generation = row.Generation,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
        ExpiresAt = row.ExpiresAt,
        LastUsedAt = row.LastUsedAt,
        Status = new TokenStatus(row.ExpiresAt <= time.GetUtcNow() ? ResourceState.Failure : ResourceState.Success, StoredDocument.Conditions(row, [])),
    };

    /// <summary>The row, locked until the transaction ends.</summary>
    public async Task<ApiTokenRow?> LockAsync(WriteScope scope, string name, CancellationToken cancellationToken)
    {
        await Admins.LockAsync(scope, cancellationToken);
        return await scope.Db.ApiTokens.FromSql($"SELECT * FROM api_token WHERE name = {name} FOR UPDATE").AsTracking().SingleOrDefaultAsync(cancellationToken);
    }

    public async Task<WriteOutcome> CreateAsync(WriteScope scope, TokenRequest request, byte[] secretHash, CancellationToken cancellationToken)
    {
        await Admins.LockAsync(scope, cancellationToken);
        if (await scope.Db.ApiTokens.CountAsync(cancellationToken) >= Limits.ApiTokens) return ApiProblem.TooManyTokens();
        var row = new ApiTokenRow { Name = request.Name!, SecretHash = secretHash, ExpiresAt = request.ExpiresAt?.ToUniversalTime() }.CreatedAt(scope, request);
        scope.Db.ApiTokens.Add(row);
        return new WriteOutcome.Created(ToResource(row));
    }

    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, ApiTokenRow row, CancellationToken cancellationToken)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        var had = await Admins.PresenceAsync(scope, cancellationToken);
        scope.Db.ApiTokens.Remove(row);
        return await Admins.RefusalAsync(scope, had, cancellationToken) is { } refusal ? refusal : new WriteOutcome.Gone();
    }
}
