using static CN2.Api.Kubernetes.Tables.TableColumn;

namespace CN2.Api.Kubernetes.Tables;

/// <summary><c>kubectl get ns</c>.</summary>
internal static class NamespaceTable
{
    public static TableLayout Layout { get; } = new(
        [NameOf, Of("Status", "Active, or Terminating while its content is being deleted."), Age],
        (space, context) => [space.Name(), space["status"].Text("phase"), Ages.Of(space, context)]);
}
