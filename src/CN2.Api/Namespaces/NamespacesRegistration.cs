using CN2.Api.Data.Rows;
using CN2.Api.Watch;

namespace CN2.Api.Namespaces;

public static class NamespacesRegistration
{
    public static IServiceCollection AddNamespaces(this IServiceCollection services) => services
        .AddSingleton<NamespaceStore>()
        .AddWatched<NamespaceRow, NamespaceStore>(ResourceKind.Namespace, (_, _, rows, _) =>
            Task.FromResult<IReadOnlyList<Json.ResourceBody>>([.. rows.Select(NamespaceStore.ToResource)]));
}
