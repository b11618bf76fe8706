using CN2.Api.Authorization;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Writes;
using CN2.Network.Resources;
using CN2.Network.Status;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.RoleBindings;

/// <summary>Reads and writes the rows of role bindings; each method is one decision inside <see cref="WritePipeline"/>'s transaction.</summary>
public sealed class RoleBindingStore
{
    public static RoleBindingResource ToResource(RoleBindingRow row) => new()
    {
        Name = row.Name,
        Uid = row.Uid,
        Labels = row.Labels,
        Annotations = row.Annotations,
        Generation = row.Generation,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
        Subjects = SubjectsOf(row),
        Role = row.Role,
        Namespaces = row.Namespaces,
        Status = new RoleBindingStatus(ResourceState.Success, StoredDocument.Conditions(row, [])),
    };

    /// <summary>The request that, as a PUT, changes nothing.</summary>
    public static RoleBindingRequest ToRequest(RoleBindingRow row) => new()
    {
        Name = row.Name,
        Labels = row.Labels,
        Annotations = row.Annotations,
        Subjects = SubjectsOf(row),
        Role = row.Role,
        Namespaces = [.. row.Namespaces],
    };

    /// <summary>The row, locked until the transaction ends; writers of role bindings and tokens take turns.</summary>
    public async Task<RoleBindingRow?> LockAsync(WriteScope scope, string name, CancellationToken cancellationToken)
    {
        await Admins.LockAsync(scope, cancellationToken);
        return await scope.Db.RoleBindings.FromSql($"SELECT * FROM role_binding WHERE name = {name} FOR UPDATE").AsTracking().SingleOrDefaultAsync(cancellationToken);
    }

    public async Task<WriteOutcome> CreateAsync(WriteScope scope, RoleBindingRequest request, CancellationToken cancellationToken)
    {
        await Admins.LockAsync(scope, cancellationToken);
        if (await scope.Db.RoleBindings.CountAsync(cancellationToken) >= Limits.RoleBindings) return ApiProblem.TooManyRoleBindings();
        var row = new RoleBindingRow { Name = request.Name!, Subjects = TextOf(request), Role = request.Role!, Namespaces = [.. request.Namespaces!] }.CreatedAt(scope, request);
        scope.Db.RoleBindings.Add(row);
        return new WriteOutcome.Created(ToResource(row));
    }

    public async Task<WriteOutcome> ReplaceAsync(WriteScope scope, RoleBindingRow row, RoleBindingRequest request, CancellationToken cancellationToken)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        var had = await Admins.PresenceAsync(scope, cancellationToken);
        var changed = !SubjectsOf(row).SequenceEqual(request.Subjects ?? []) || row.Role != request.Role || !row.Namespaces.SequenceEqual(request.Namespaces!);
        if (changed) (row.Subjects, row.Role, row.Namespaces) = (TextOf(request), request.Role!, [.. request.Namespaces!]);
        if (row.ChangeMetadata(request) || changed)
        {
            row.Generation++;
            row.UpdatedAt = scope.Now;
        }

        return await Admins.RefusalAsync(scope, had, cancellationToken) is { } refusal ? refusal : new WriteOutcome.Saved(ToResource(row));
    }

    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, RoleBindingRow row, CancellationToken cancellationToken)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        var had = await Admins.PresenceAsync(scope, cancellationToken);
        scope.Db.RoleBindings.Remove(row);
        return await Admins.RefusalAsync(scope, had, cancellationToken) is { } refusal ? refusal : new WriteOutcome.Gone();
    }

    private static List<SubjectBody> SubjectsOf(RoleBindingRow row) => StoredSubjects.Read(row.Subjects).ConvertAll(s => new SubjectBody { Kind = s.Kind, Name = s.Name });

    private static string TextOf(RoleBindingRequest request) => ApiJson.Text(request.Subjects ?? []);
}
